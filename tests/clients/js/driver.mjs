// SPDX-License-Identifier: Apache-2.0
// Calls the AWS SDK for JavaScript v3: `node driver.mjs JSON` does what the document says and prints {result} or
// {error, message, typed}. Endpoint and keys come from the environment.
import { createReadStream, createWriteStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'

import * as s3 from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'

const client = new s3.S3Client({})
const { operation, bucket: Bucket, key: Key, upload: UploadId, ...given } = JSON.parse(process.argv[2])

async function listParts () {
  const parts = {}
  for await (const page of s3.paginateListParts({ client }, { Bucket, Key, UploadId })) {
    for (const part of page.Parts ?? []) parts[part.PartNumber] = part.ETag.replaceAll('"', '')
  }
  return parts
}

async function sendPart (PartNumber, Body, ContentLength) {
  return (await client.send(new s3.UploadPartCommand(
    { Bucket, Key, UploadId, PartNumber, Body, ContentLength, ChecksumCRC32: given.crc32 ?? undefined }))).ETag
}

async function save (Range) {
  const { Body } = await client.send(new s3.GetObjectCommand({ Bucket, Key, Range }))
  await pipeline(Body, createWriteStream(given.path))
}

async function complete (Parts, id = UploadId, key = Key) {
  await client.send(new s3.CompleteMultipartUploadCommand(
    { Bucket, Key: key, UploadId: id, MultipartUpload: { Parts } }))
}

const operations = {
  async upload () {
    const Body = createReadStream(given.path)
    await new Upload({ client, params: { Bucket, Key, Body, Metadata: given.metadata } }).done()
  },

  async download () {
    await save()
  },

  async read () {
    await save(`bytes=${given.start}-${given.start + given.size - 1}`)
  },

  async objects () {
    const found = {}
    for await (const page of s3.paginateListObjectsV2({ client }, { Bucket })) {
      for (const row of page.Contents ?? []) found[row.Key] = row.Size
    }
    return found
  },

  // The SDK has no paginator for this list.
  async uploads () {
    const found = {}
    let page = {}
    do {
      page = await client.send(new s3.ListMultipartUploadsCommand(
        { Bucket, KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker }))
      for (const row of page.Uploads ?? []) found[row.UploadId] = row.Key
    } while (page.IsTruncated)
    return found
  },

  parts: listParts,

  // The SDK has no call that copies in parts.
  async copy () {
    const CopySource = `${Bucket}/${encodeURIComponent(Key)}`
    const { ContentLength } = await client.send(new s3.HeadObjectCommand({ Bucket, Key }))
    const begun = await client.send(new s3.CreateMultipartUploadCommand({ Bucket, Key: given.to }))
    const parts = []
    for (let start = 0; start < ContentLength; start += given.partBytes) {
      const last = Math.min(start + given.partBytes, ContentLength) - 1
      const { CopyPartResult } = await client.send(new s3.UploadPartCopyCommand({
        Bucket,
        Key: given.to,
        UploadId: begun.UploadId,
        PartNumber: parts.length + 1,
        CopySource,
        CopySourceRange: `bytes=${start}-${last}`
      }))
      parts.push({ PartNumber: parts.length + 1, ETag: CopyPartResult.ETag })
    }
    await complete(parts, begun.UploadId, given.to)
  },

  async fail () {
    const upload = new Upload({ client, params: { Bucket, Key, Body: createReadStream(given.path) } })
    upload.on('httpUploadProgress', () => upload.abort())
    await upload.done()
  },

  async abort () {
    await client.send(new s3.AbortMultipartUploadCommand({ Bucket, Key, UploadId }))
  },

  async part () {
    return await sendPart(given.number, await readFile(given.path))
  },

  async presign () {
    const unhoistableHeaders = new Set(given.unhoistable)
    return await getSignedUrl(client, new s3[`${given.command}Command`](given.input), { unhoistableHeaders })
  },

  async complete () {
    await complete(given.parts.map(({ number, etag }) => ({ PartNumber: number, ETag: etag })))
  }
}

let answer
try {
  answer = { result: await operations[operation]() ?? null }
} catch (error) {
  answer = { error: error.name, message: error.message, typed: error instanceof (s3[error.name] ?? Array) }
}
console.log(JSON.stringify(answer))
