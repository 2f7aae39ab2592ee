// SPDX-License-Identifier: Apache-2.0
// A page with Uppy, bundled for a browser: `upload(ask, given)` fetches a file from the page's server and has Uppy's
// AwsS3 plugin upload it in parts. `ask` sends a question to that server.
import AwsS3 from '@uppy/aws-s3'
import Uppy from '@uppy/core'

const OPERATIONS = { POST: 'create_multipart_upload', GET: 'list_parts', DELETE: 'abort_multipart_upload' }

function operation ({ method, uploadId, partNumber }) {
  if (partNumber) return 'upload_part'
  return method === 'POST' && uploadId ? 'complete_multipart_upload' : OPERATIONS[method]
}

export async function upload (ask, { bucket, key, uploadId, metadata, companionEndpoint, cancel }) {
  const uppy = new Uppy()
  const signRequest = async request => {
    const { key: Key, uploadId: UploadId, partNumber: PartNumber } = request
    return { url: await ask(operation(request), { Bucket: bucket, Key, UploadId, PartNumber }) }
  }
  uppy.use(AwsS3, {
    shouldUseMultipart: true,
    ...(companionEndpoint ? { companionEndpoint } : { signRequest, generateObjectKey: file => file.name })
  })
  const id = uppy.addFile({ name: key, data: await (await fetch('/file')).blob(), meta: metadata })
  if (uploadId) uppy.setFileState(id, { s3Multipart: { uploadId, key } })

  const cancelled = new Promise(resolve => {
    if (cancel) uppy.on('s3-multipart:part-uploaded', () => { uppy.cancelAll(); resolve() })
  }).then(() => ask('ended', { Bucket: bucket })).then(() => ({ cancelled: true }))
  const ended = uppy.upload().then(({ failed }) => ({ errors: failed.map(({ error }) => error) }))
  return await Promise.race(cancel ? [cancelled] : [ended])
}
