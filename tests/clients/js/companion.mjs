// SPDX-License-Identifier: Apache-2.0
// Serves Uppy Companion for one bucket: `node companion.mjs BUCKET PORT ORIGIN`. Endpoint and keys come from the
// environment. The key of an object is the name of its file; by default a random word goes before it.
import * as companion from '@uppy/companion'
import express from 'express'

const [bucket, port, origin] = process.argv.slice(2)
const { AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, HOME } = process.env
const { app } = companion.app({
  s3: {
    bucket,
    endpoint: AWS_ENDPOINT_URL,
    region: AWS_REGION,
    key: AWS_ACCESS_KEY_ID,
    secret: AWS_SECRET_ACCESS_KEY,
    forcePathStyle: true,
    getKey: ({ filename }) => filename
  },
  server: { host: `127.0.0.1:${port}`, protocol: 'http' },
  corsOrigins: [origin],
  filePath: HOME,
  secret: 'secret'
})
express().use(express.json(), app).listen(port, '127.0.0.1')
