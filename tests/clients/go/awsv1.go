// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/aws/awserr"
	"github.com/aws/aws-sdk-go/aws/session"
	"github.com/aws/aws-sdk-go/service/s3"
	"github.com/aws/aws-sdk-go/service/s3/s3manager"
)

func optional(value string) *string {
	if value == "" {
		return nil
	}
	return &value
}

func operations() map[string]operation {
	opened := session.Must(session.NewSession(&aws.Config{
		Endpoint: &endpoint, S3ForcePathStyle: aws.Bool(true)}))
	client := s3.New(opened)
	return map[string]operation{
		"version": func(call) (interface{}, error) {
			return aws.SDKVersion, nil
		},
		"upload": func(c call) (interface{}, error) {
			file, err := os.Open(c.Path)
			if err != nil {
				return nil, err
			}
			defer file.Close()
			return s3manager.NewUploader(opened).Upload(&s3manager.UploadInput{
				Bucket: &c.Bucket, Key: &c.Key, Body: file, Metadata: aws.StringMap(c.Metadata)})
		},
		"download": func(c call) (interface{}, error) {
			file, err := os.Create(c.Path)
			if err != nil {
				return nil, err
			}
			defer file.Close()
			return s3manager.NewDownloader(opened).Download(file, &s3.GetObjectInput{Bucket: &c.Bucket, Key: &c.Key})
		},
		"read": func(c call) (interface{}, error) {
			found, err := client.GetObject(&s3.GetObjectInput{Bucket: &c.Bucket, Key: &c.Key,
				Range: aws.String(fmt.Sprintf("bytes=%d-%d", c.Start, c.Start+c.Size-1))})
			if err != nil {
				return nil, err
			}
			defer found.Body.Close()
			return nil, save(found.Body, c)
		},
		"objects": func(c call) (interface{}, error) {
			found := map[string]int64{}
			return found, client.ListObjectsV2Pages(&s3.ListObjectsV2Input{Bucket: &c.Bucket},
				func(page *s3.ListObjectsV2Output, last bool) bool {
					for _, row := range page.Contents {
						found[*row.Key] = *row.Size
					}
					return true
				})
		},
		"uploads": func(c call) (interface{}, error) {
			found := map[string]string{}
			return found, client.ListMultipartUploadsPages(&s3.ListMultipartUploadsInput{Bucket: &c.Bucket},
				func(page *s3.ListMultipartUploadsOutput, last bool) bool {
					for _, row := range page.Uploads {
						found[*row.UploadId] = *row.Key
					}
					return true
				})
		},
		"parts": func(c call) (interface{}, error) {
			found := map[int64]string{}
			return found, client.ListPartsPages(
				&s3.ListPartsInput{Bucket: &c.Bucket, Key: &c.Key, UploadId: &c.Upload},
				func(page *s3.ListPartsOutput, last bool) bool {
					for _, row := range page.Parts {
						found[*row.PartNumber] = strings.Trim(*row.ETag, `"`)
					}
					return true
				})
		},
		"fail": func(c call) (interface{}, error) {
			return s3manager.NewUploader(opened).Upload(&s3manager.UploadInput{
				Bucket: &c.Bucket, Key: &c.Key, Body: newBreaking()})
		},
		"abort": func(c call) (interface{}, error) {
			return client.AbortMultipartUpload(&s3.AbortMultipartUploadInput{
				Bucket: &c.Bucket, Key: &c.Key, UploadId: &c.Upload})
		},
		"part": func(c call) (interface{}, error) {
			body, err := os.ReadFile(c.Path)
			if err != nil {
				return nil, err
			}
			sent, err := client.UploadPart(&s3.UploadPartInput{
				Bucket: &c.Bucket, Key: &c.Key, UploadId: &c.Upload, PartNumber: aws.Int64(int64(c.Number)),
				Body: bytes.NewReader(body), ChecksumCRC32: optional(c.CRC32)})
			return aws.StringValue(sent.ETag), err
		},
		"complete": func(c call) (interface{}, error) {
			list := &s3.CompletedMultipartUpload{}
			for _, row := range c.Parts {
				list.Parts = append(list.Parts, &s3.CompletedPart{
					PartNumber: aws.Int64(int64(row.Number)), ETag: aws.String(row.ETag)})
			}
			return client.CompleteMultipartUpload(&s3.CompleteMultipartUploadInput{
				Bucket: &c.Bucket, Key: &c.Key, UploadId: &c.Upload, MultipartUpload: list})
		},
	}
}

// The uploader wraps the error of S3 in one of its own.
func code(err error) string {
	var found awserr.Error
	for errors.As(err, &found) {
		if found.OrigErr() == nil || found.Code() != "MultipartUpload" {
			return found.Code()
		}
		err = found.OrigErr()
	}
	return err.Error()
}
