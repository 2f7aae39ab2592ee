# SPDX-License-Identifier: Apache-2.0
# The AWS SDK for Ruby: see common.rb.
require 'aws-sdk-s3'
require_relative 'common'

# The operations, by name.
class Calls
  def initialize
    @client = Aws::S3::Client.new(endpoint: URL, force_path_style: true)
    @s3 = Aws::S3::Resource.new(client: @client)
  end

  def code(error)
    error = error.errors.first if error.is_a? Aws::S3::MultipartUploadError
    error.respond_to?(:code) ? error.code : error.class.name
  end

  def version
    Aws::S3::GEM_VERSION
  end

  def upload(path:, bucket:, key:, metadata: {})
    @s3.bucket(bucket).object(key).upload_file(path, metadata: metadata)
  end

  def download(bucket:, key:, path:)
    @s3.bucket(bucket).object(key).download_file(path)
  end

  def read(bucket:, key:, start:, size:, path:)
    @client.get_object(bucket: bucket, key: key, range: "bytes=#{start}-#{start + size - 1}", response_target: path)
    nil
  end

  def objects(bucket:)
    @s3.bucket(bucket).objects.to_h { |row| [row.key, row.size] }
  end

  def uploads(bucket:)
    @s3.bucket(bucket).multipart_uploads.to_h { |row| [row.id, row.key] }
  end

  def parts(bucket:, key:, upload:)
    multipart(bucket, key, upload).parts.to_h { |row| [row.part_number, row.etag.delete('"')] }
  end

  def copy(bucket:, key:, to:, partBytes:)
    @s3.bucket(bucket).object(to).copy_from(@s3.bucket(bucket).object(key), multipart_copy: true)
    nil
  end

  def fail(bucket:, key:)
    source = Breaking.new
    @s3.bucket(bucket).object(key).upload_stream { |target| loop { target << source.read } }
  end

  def abort(bucket:, key:, upload:)
    multipart(bucket, key, upload).abort
    nil
  end

  def part(bucket:, key:, upload:, number:, path:, crc32: nil)
    File.open(path, 'rb') do |body|
      @client.upload_part(bucket: bucket, key: key, upload_id: upload, part_number: number, body: body,
                          checksum_crc32: crc32).etag
    end
  end

  def complete(bucket:, key:, upload:, parts:)
    list = parts.map { |row| { part_number: row[:number], etag: row[:etag] } }
    multipart(bucket, key, upload).complete(multipart_upload: { parts: list })
    nil
  end

  private

  def multipart(bucket, key, upload)
    Aws::S3::MultipartUpload.new(bucket, key, upload, client: @client)
  end
end

answer(Calls.new)
