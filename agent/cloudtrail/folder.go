package cloudtrail

import (
	"cmp"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
)

// found is a file that looks like a CloudTrail log by its name.
type found struct {
	rel   string // relative to the folder, with slashes
	path  string
	stamp stamp
	lines bool // one record a line, rather than {"Records":[...]}
}

// stamp tells whether a file has changed.
type stamp struct {
	size, mtime int64
	inode       uint64
}

func stampOf(info fs.FileInfo) stamp {
	s := stamp{size: info.Size(), mtime: info.ModTime().UnixNano()}
	if sys, ok := info.Sys().(*syscall.Stat_t); ok {
		s.inode = sys.Ino
	}
	return s
}

// survey is what a folder holds at one moment.
type survey struct {
	files   []found // in order of their names
	folders []string
	ignored int    // other files
	example string // one of them
	errors  []error
}

// look walks through a folder. Links to files are followed, links to folders are not.
func look(root string) survey {
	var s survey
	resolved, err := filepath.EvalSymlinks(root)
	if err != nil {
		s.errors = append(s.errors, err)
		return s
	}
	_ = filepath.WalkDir(resolved, func(p string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			s.errors = append(s.errors, err)
			return nil
		case entry.IsDir():
			s.folders = append(s.folders, p)
			return nil
		}
		rel, err := filepath.Rel(resolved, p)
		if err != nil || rel == "." {
			rel = filepath.Base(p)
		}
		f := found{rel: filepath.ToSlash(rel), path: filepath.Join(root, rel)}
		if p == resolved {
			f.path = root
		}
		ok, lines := isLog(f.rel)
		var info fs.FileInfo
		if ok {
			info, err = os.Stat(p)
			if err != nil {
				if !os.IsNotExist(err) {
					s.errors = append(s.errors, err)
				}
				return nil
			}
			ok = info.Mode().IsRegular()
		}
		if !ok {
			s.ignored++
			s.example = f.path
			return nil
		}
		f.lines, f.stamp = lines, stampOf(info)
		s.files = append(s.files, f)
		return nil
	})
	slices.SortFunc(s.files, func(a, b found) int { return cmp.Compare(a.rel, b.rel) })
	return s
}

// isLog says whether a name is that of a CloudTrail log. Digest files, which CloudTrail writes beside them, are none.
func isLog(rel string) (ok, lines bool) {
	name := strings.TrimSuffix(strings.ToLower(path.Base(rel)), ".gz")
	if strings.Contains(rel, "CloudTrail-Digest") || strings.HasPrefix(name, ".") {
		return false, false
	}
	lines = strings.HasSuffix(name, ".jsonl") || strings.HasSuffix(name, ".ndjson")
	return lines || strings.HasSuffix(name, ".json"), lines
}

var (
	accountFolder = regexp.MustCompile(`(?:^|/)AWSLogs/(?:o-[a-z0-9]+/)?(\d{12})/`)
	accountName   = regexp.MustCompile(`(?:^|/)(\d{12})_CloudTrail[^/]*$`)
)

// accountIn returns the account that a path names in the way that CloudTrail lays files down, or "".
func accountIn(rel string) string {
	if m := accountFolder.FindStringSubmatch(rel); m != nil {
		return m[1]
	}
	if m := accountName.FindStringSubmatch(rel); m != nil {
		return m[1]
	}
	return ""
}
