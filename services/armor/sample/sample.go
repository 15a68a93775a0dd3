// Package sample holds the CloudTrail folder that a first run reads: two days of two accounts that reach every one of the EC2
// rules. Accounts, keys and addresses are documentation examples. It is generated: see generate.
package sample

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

//go:generate go run ./generate -out cloudtrail

// root is the folder's name in the binary; it holds AWSLogs.
const root = "cloudtrail"

//go:embed cloudtrail
var files embed.FS

// WriteCloudTrail copies the folder to dir, for an agent to read. Files that are there with the right length are left alone.
func WriteCloudTrail(dir string) error {
	return fs.WalkDir(files, root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		path := filepath.Join(dir, filepath.FromSlash(strings.TrimPrefix(name, root)))
		if entry.IsDir() {
			return os.MkdirAll(path, 0o755)
		}
		content, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		if info, err := os.Stat(path); err == nil && info.Size() == int64(len(content)) {
			return nil
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return fmt.Errorf("write the sample folder: %w", err)
		}
		return nil
	})
}
