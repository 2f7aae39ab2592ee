// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"regexp"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

var ctx = context.Background()

func newClient(transport http.RoundTripper) *minio.Core {
	client, err := minio.NewCore(endpoint[strings.Index(endpoint, "//")+2:], &minio.Options{
		Creds: credentials.NewStaticV4(access, secret, ""), Secure: strings.HasPrefix(endpoint, "https"),
		Region: region, Transport: transport})
	if err != nil {
		panic(err)
	}
	return client
}

// Takes a request, of which it keeps the name of the client, and sends nothing.
type agent struct {
	name string
}

func (a *agent) RoundTrip(request *http.Request) (*http.Response, error) {
	a.name = request.UserAgent()
	return nil, errors.New("not sent")
}

func version(call) (interface{}, error) {
	seen := &agent{}
	newClient(seen).BucketExists(ctx, "bucket")
	return regexp.MustCompile(`minio-go/v(\S+)`).FindStringSubmatch(seen.name)[1], nil
}

func operations() map[string]operation {
	client := newClient(nil)
	return map[string]operation{
		"version": version,
		"upload": func(c call) (interface{}, error) {
			return client.FPutObject(ctx, c.Bucket, c.Key, c.Path, minio.PutObjectOptions{UserMetadata: c.Metadata})
		},
		"download": func(c call) (interface{}, error) {
			return nil, client.FGetObject(ctx, c.Bucket, c.Key, c.Path, minio.GetObjectOptions{})
		},
		"read": func(c call) (interface{}, error) {
			options := minio.GetObjectOptions{}
			if err := options.SetRange(c.Start, c.Start+c.Size-1); err != nil {
				return nil, err
			}
			body, err := client.Client.GetObject(ctx, c.Bucket, c.Key, options)
			if err != nil {
				return nil, err
			}
			return nil, save(body, c)
		},
		"objects": func(c call) (interface{}, error) {
			found := map[string]int64{}
			for row := range client.Client.ListObjects(ctx, c.Bucket, minio.ListObjectsOptions{Recursive: true}) {
				if row.Err != nil {
					return nil, row.Err
				}
				found[row.Key] = row.Size
			}
			return found, nil
		},
		"uploads": func(c call) (interface{}, error) {
			found := map[string]string{}
			for row := range client.ListIncompleteUploads(ctx, c.Bucket, "", true) {
				if row.Err != nil {
					return nil, row.Err
				}
				found[row.UploadID] = row.Key
			}
			return found, nil
		},
		"parts": func(c call) (interface{}, error) {
			found, marker := map[int]string{}, 0
			for {
				page, err := client.ListObjectParts(ctx, c.Bucket, c.Key, c.Upload, marker, 1000)
				if err != nil {
					return nil, err
				}
				for _, row := range page.ObjectParts {
					found[row.PartNumber] = strings.Trim(row.ETag, `"`)
				}
				if !page.IsTruncated {
					return found, nil
				}
				marker = page.NextPartNumberMarker
			}
		},
		// Without ranges it copies in parts only beyond 5 GiB.
		"copy": func(c call) (interface{}, error) {
			info, err := client.StatObject(ctx, c.Bucket, c.Key, minio.StatObjectOptions{})
			if err != nil {
				return nil, err
			}
			var sources []minio.CopySrcOptions
			for start := int64(0); start < info.Size; start += c.PartBytes {
				end := start + c.PartBytes - 1
				if end >= info.Size {
					end = info.Size - 1
				}
				sources = append(sources, minio.CopySrcOptions{
					Bucket: c.Bucket, Object: c.Key, MatchRange: true, Start: start, End: end})
			}
			return client.ComposeObject(ctx, minio.CopyDestOptions{Bucket: c.Bucket, Object: c.To}, sources...)
		},
		"fail": func(c call) (interface{}, error) {
			return client.Client.PutObject(ctx, c.Bucket, c.Key, newBreaking(), 200*mib, minio.PutObjectOptions{})
		},
		"abort": func(c call) (interface{}, error) {
			return nil, client.AbortMultipartUpload(ctx, c.Bucket, c.Key, c.Upload)
		},
		"part": func(c call) (interface{}, error) {
			body, err := os.ReadFile(c.Path)
			if err != nil {
				return nil, err
			}
			sent, err := client.PutObjectPart(ctx, c.Bucket, c.Key, c.Upload, c.Number, bytes.NewReader(body),
				int64(len(body)), "", "", nil)
			return sent.ETag, err
		},
		"complete": func(c call) (interface{}, error) {
			var parts []minio.CompletePart
			for _, row := range c.Parts {
				parts = append(parts, minio.CompletePart{PartNumber: row.Number, ETag: row.ETag})
			}
			return client.CompleteMultipartUpload(ctx, c.Bucket, c.Key, c.Upload, parts, minio.PutObjectOptions{})
		},
	}
}

func code(err error) string {
	if found := minio.ToErrorResponse(err).Code; found != "" {
		return found
	}
	return err.Error()
}
