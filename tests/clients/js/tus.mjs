// SPDX-License-Identifier: Apache-2.0
// Serves tus uploads into a bucket: `node tus.mjs BUCKET PORT`. Endpoint and keys come from the environment.
import { S3Store } from '@tus/s3-store'
import { Server } from '@tus/server'

const [bucket, port] = process.argv.slice(2)
const s3ClientConfig = { bucket, forcePathStyle: true }
new Server({ path: '/files', datastore: new S3Store({ s3ClientConfig }) }).listen({ host: '127.0.0.1', port })
