// SPDX-License-Identifier: Apache-2.0

// Drivers of the S3 libraries for Go: `PROGRAM JSON` does what the document says and prints {"result"} or {"error",
// "message"}. Endpoint, keys and authority come from the environment. Each library is a file beside this one.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

const mib = 1048576

type part struct {
	Number int
	ETag   string
}

// What the document says: the names of the arguments are those of the drivers in other languages.
type call struct {
	Operation, Path, Bucket, Key, Upload, To, CRC32 string
	Number                                          int
	Start, Size                                     int64
	PartBytes                                       int64 `json:"partBytes"`
	Metadata                                        map[string]string
	Parts                                           []part
}

type operation func(call) (interface{}, error)

var (
	endpoint = os.Getenv("AWS_ENDPOINT_URL")
	region   = os.Getenv("AWS_REGION")
	access   = os.Getenv("AWS_ACCESS_KEY_ID")
	secret   = os.Getenv("AWS_SECRET_ACCESS_KEY")
)

var errUnreadable = errors.New("Unreadable")

// A file of 200 MiB whose first half can be read; then reading waits for the end of the standard input, and fails.
type breaking struct {
	left int64
}

func newBreaking() *breaking {
	return &breaking{200 * mib}
}

func (b *breaking) Read(to []byte) (int, error) {
	if b.left < 100*mib {
		io.Copy(io.Discard, os.Stdin)
		return 0, errUnreadable
	}
	if int64(len(to)) > mib {
		to = to[:mib]
	}
	for place := range to {
		to[place] = 0
	}
	b.left -= int64(len(to))
	return len(to), nil
}

// Write what can be read into the file that the document names.
func save(from io.Reader, c call) error {
	file, err := os.Create(c.Path)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.Copy(file, from)
	return err
}

func answer() interface{} {
	var c call
	err := json.Unmarshal([]byte(os.Args[1]), &c)
	if err == nil {
		var result interface{}
		result, err = operations()[c.Operation](c)
		if err == nil {
			return map[string]interface{}{"result": result}
		}
	}
	return map[string]string{"error": code(err), "message": err.Error()}
}

func main() {
	said, err := json.Marshal(answer())
	if err != nil {
		panic(err)
	}
	fmt.Println(string(said))
}
