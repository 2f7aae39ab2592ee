// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/s3/manager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

var ctx = context.Background()

func optional(value string) *string {
	if value == "" {
		return nil
	}
	return &value
}

func operations() map[string]operation {
	loaded, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		panic(err)
	}
	client := s3.NewFromConfig(loaded, func(o *s3.Options) {
		o.UsePathStyle = true
		o.EndpointResolver = s3.EndpointResolverFromURL(endpoint)
	})
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
			return manager.NewUploader(client).Upload(ctx, &s3.PutObjectInput{
				Bucket: &c.Bucket, Key: &c.Key, Body: file, Metadata: c.Metadata})
		},
		"download": func(c call) (interface{}, error) {
			file, err := os.Create(c.Path)
			if err != nil {
				return nil, err
			}
			defer file.Close()
			return manager.NewDownloader(client).Download(ctx, file, &s3.GetObjectInput{Bucket: &c.Bucket, Key: &c.Key})
		},
		"read": func(c call) (interface{}, error) {
			found, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: &c.Bucket, Key: &c.Key,
				Range: aws.String(fmt.Sprintf("bytes=%d-%d", c.Start, c.Start+c.Size-1))})
			if err != nil {
				return nil, err
			}
			defer found.Body.Close()
			return nil, save(found.Body, c)
		},
		"objects": func(c call) (interface{}, error) {
			found := map[string]int64{}
			pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: &c.Bucket})
			for pages.HasMorePages() {
				page, err := pages.NextPage(ctx)
				if err != nil {
					return nil, err
				}
				for _, row := range page.Contents {
					found[*row.Key] = row.Size
				}
			}
			return found, nil
		},
		// The SDK has no paginator for this list.
		"uploads": func(c call) (interface{}, error) {
			found, input := map[string]string{}, &s3.ListMultipartUploadsInput{Bucket: &c.Bucket}
			for {
				page, err := client.ListMultipartUploads(ctx, input)
				if err != nil {
					return nil, err
				}
				for _, row := range page.Uploads {
					found[*row.UploadId] = *row.Key
				}
				if !page.IsTruncated {
					return found, nil
				}
				input.KeyMarker, input.UploadIdMarker = page.NextKeyMarker, page.NextUploadIdMarker
			}
		},
		"parts": func(c call) (interface{}, error) {
			found := map[int32]string{}
			pages := s3.NewListPartsPaginator(client, &s3.ListPartsInput{
				Bucket: &c.Bucket, Key: &c.Key, UploadId: &c.Upload})
			for pages.HasMorePages() {
				page, err := pages.NextPage(ctx)
				if err != nil {
					return nil, err
				}
				for _, row := range page.Parts {
					found[row.PartNumber] = strings.Trim(*row.ETag, `"`)
				}
			}
			return found, nil
		},
		"fail": func(c call) (interface{}, error) {
			return manager.NewUploader(client).Upload(ctx, &s3.PutObjectInput{
				Bucket: &c.Bucket, Key: &c.Key, Body: newBreaking()})
		},
		"abort": func(c call) (interface{}, error) {
			return client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{
				Bucket: &c.Bucket, Key: &c.Key, UploadId: &c.Upload})
		},
		"part": func(c call) (interface{}, error) {
			body, err := os.ReadFile(c.Path)
			if err != nil {
				return nil, err
			}
			sent, err := client.UploadPart(ctx, &s3.UploadPartInput{
				Bucket: &c.Bucket, Key: &c.Key, UploadId: &c.Upload, PartNumber: int32(c.Number),
				Body: bytes.NewReader(body), ChecksumCRC32: optional(c.CRC32)})
			if err != nil {
				return nil, err
			}
			return *sent.ETag, nil
		},
		"complete": func(c call) (interface{}, error) {
			list := &types.CompletedMultipartUpload{}
			for _, row := range c.Parts {
				list.Parts = append(list.Parts, types.CompletedPart{
					PartNumber: int32(row.Number), ETag: aws.String(row.ETag)})
			}
			return client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
				Bucket: &c.Bucket, Key: &c.Key, UploadId: &c.Upload, MultipartUpload: list})
		},
	}
}

func code(err error) string {
	var found smithy.APIError
	if errors.As(err, &found) {
		return found.ErrorCode()
	}
	return err.Error()
}
