// Package archive reads CloudTrail's files where they are kept, a bucket or a folder that mirrors one, by their keys.
package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"armor/agent/cloudtrail/access"
)

// Entry is one file.
type Entry struct {
	Key      string
	Size     int64 // bytes
	Modified time.Time
}

// Archive is where files are kept.
type Archive interface {
	// Place is what stands before a key in a file's name: s3://bucket/ or a folder.
	Place() string
	// Bucket is the name of the bucket; empty for a folder.
	Bucket() string
	// List calls each with the files whose keys begin with prefix and come after a key, in order of their keys in a bucket, until it
	// returns an error.
	List(ctx context.Context, prefix, after string, each func(Entry) error) error
	// Open reads a file; one that is not there is an error that errors.Is(err, fs.ErrNotExist).
	Open(ctx context.Context, key string) (io.ReadCloser, error)
}

// ErrStop ends a List without being its error.
var ErrStop = errors.New("enough")

// Dir is a folder, or one file.
func Dir(root string) Archive { return dir{root} }

type dir struct{ root string }

func (d dir) Place() string { return strings.TrimSuffix(d.root, "/") + "/" }

func (dir) Bucket() string { return "" }

func (d dir) List(ctx context.Context, prefix, after string, each func(Entry) error) error {
	err := filepath.WalkDir(d.root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil || entry.IsDir() {
			return err
		}
		rel, err := filepath.Rel(d.root, path)
		if err != nil {
			return err
		}
		key := filepath.ToSlash(rel)
		if key == "." { // the root is one file
			key = ""
		}
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() || !strings.HasPrefix(key, prefix) || key != "" && key <= after {
			return nil
		}
		if err != nil {
			return err
		}
		return each(Entry{key, info.Size(), info.ModTime()})
	})
	if errors.Is(err, ErrStop) {
		return nil
	}
	return err
}

func (d dir) Open(_ context.Context, key string) (io.ReadCloser, error) {
	if !filepath.IsLocal(filepath.FromSlash(key)) && key != "" {
		return nil, fmt.Errorf("%s: leads out of the folder: %w", key, fs.ErrNotExist)
	}
	return os.Open(filepath.Join(d.root, filepath.FromSlash(key)))
}

// Bucket is a bucket.
func Bucket(api *s3.Client, name string) Archive { return bucket{api, name} }

type bucket struct {
	api  *s3.Client
	name string
}

func (b bucket) Place() string { return "s3://" + b.name + "/" }

func (b bucket) Bucket() string { return b.name }

func (b bucket) List(ctx context.Context, prefix, after string, each func(Entry) error) error {
	in := &s3.ListObjectsV2Input{Bucket: &b.name, Prefix: &prefix}
	if after != "" {
		in.StartAfter = &after
	}
	pages := s3.NewListObjectsV2Paginator(b.api, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return access.Explain(err, "s3:ListBucket", "bucket "+b.name)
		}
		for i := range page.Contents {
			o := &page.Contents[i]
			err := each(Entry{aws.ToString(o.Key), aws.ToInt64(o.Size), aws.ToTime(o.LastModified)})
			if errors.Is(err, ErrStop) {
				return nil
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (b bucket) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	o, err := OpenObject(ctx, b.api, b.name, key, "")
	if p, ok := errors.AsType[*access.Problem](err); ok && p.Kind == access.Gone {
		return nil, fmt.Errorf("%w (%w)", err, fs.ErrNotExist)
	}
	if err != nil {
		return nil, err
	}
	return o, nil
}
