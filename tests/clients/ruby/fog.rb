# SPDX-License-Identifier: Apache-2.0
# fog-aws: see common.rb.
require 'fog/aws'
require_relative 'common'

# Below this size fog sends a file in one piece. By default it is 5 GiB.
CHUNK = 8 * MIB

# The operations, by name.
class Calls
  def initialize
    @fog = Fog::Storage.new(provider: 'AWS', endpoint: URL, path_style: true, region: REGION,
                            aws_access_key_id: ACCESS, aws_secret_access_key: SECRET)
  end

  def code(error)
    error.response.body[%r{<Code>(.*?)</Code>}, 1] if error.is_a? Excon::Error::HTTPStatus
  end

  def version
    Fog::AWS::VERSION
  end

  def upload(path:, bucket:, key:, metadata: {})
    File.open(path, 'rb') do |body|
      send_body(bucket, key, body, metadata.to_h { |name, value| ["x-amz-meta-#{name}", value] })
    end
  end

  def download(bucket:, key:, path:)
    File.open(path, 'wb') do |target|
      @fog.get_object(bucket, key) { |chunk, _left, _size| target.write(chunk) }
    end
    nil
  end

  def read(bucket:, key:, start:, size:, path:)
    answer = @fog.get_object(bucket, key, 'Range' => "bytes=#{start}-#{start + size - 1}")
    File.binwrite(path, answer.body)
  end

  def objects(bucket:)
    found = {}
    @fog.directories.new(key: bucket).files.each { |row| found[row.key] = row.content_length }
    found
  end

  def uploads(bucket:)
    @fog.list_multipart_uploads(bucket).body['Upload'].to_h { |row| [row['UploadId'], row['Key']] }
  end

  def parts(bucket:, key:, upload:)
    @fog.list_parts(bucket, key, upload).body['Part'].to_h { |row| [row['PartNumber'], row['ETag'].delete('"')] }
  end

  def copy(bucket:, key:, to:, partBytes:)
    source = @fog.directories.new(key: bucket).files.head(key)
    source.multipart_chunk_size = partBytes
    source.copy(bucket, to)
    nil
  end

  def fail(bucket:, key:)
    send_body(bucket, key, Breaking.new, {})
  end

  def abort(bucket:, key:, upload:)
    @fog.abort_multipart_upload(bucket, key, upload)
    nil
  end

  def part(bucket:, key:, upload:, number:, path:)
    @fog.upload_part(bucket, key, upload, number, File.binread(path)).headers['ETag']
  end

  def complete(bucket:, key:, upload:, parts:)
    @fog.complete_multipart_upload(bucket, key, upload, parts.map { |row| row[:etag] })
    nil
  end

  private

  def send_body(bucket, key, body, metadata)
    @fog.directories.new(key: bucket).files.create(key: key, body: body, metadata: metadata,
                                                   multipart_chunk_size: CHUNK)
    nil
  end
end

answer(Calls.new)
