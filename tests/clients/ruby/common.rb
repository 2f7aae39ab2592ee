# SPDX-License-Identifier: Apache-2.0
# Drivers of the S3 libraries for Ruby: `ruby LIBRARY.rb JSON` does what the document says and prints {"result"} or
# {"error", "message"}. Endpoint, keys and authority come from the environment.
require 'json'

MIB = 1_048_576
URL, REGION = ENV.values_at('AWS_ENDPOINT_URL', 'AWS_REGION')
ACCESS, SECRET = ENV.values_at('AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY')

# The data to be written cannot be read any further.
class Unreadable < StandardError
end

# A file of 200 MiB whose first half can be read; then reading waits for the end of the standard input, and fails.
class Breaking
  attr_reader :size

  def initialize
    @size = @left = 200 * MIB
  end

  def read(count = MIB)
    if @left < 100 * MIB
      $stdin.read
      raise Unreadable
    end
    @left -= count
    "\0" * count
  end
end

# Do what the document says, with the operations of an object, and print the answer.
def answer(calls)
  given = JSON.parse(ARGV[0], symbolize_names: true)
  result = calls.public_send(given.delete(:operation), **given)
  puts JSON.generate(result: result)
rescue StandardError => error
  puts JSON.generate(error: calls.code(error) || error.class.name, message: error.message)
end
