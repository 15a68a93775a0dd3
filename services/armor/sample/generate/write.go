package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"time"
)

// slot is the span of event times that one delivered file holds. CloudTrail writes a file about every five minutes; the sample
// gathers longer spans so that it stays a handful of files.
const slot = 4 * time.Hour

// delivered is one file: its path below the output folder and its records.
type delivered struct {
	path    string
	records []*record
}

// deliver groups records by account, region and slot, and names the files as CloudTrail does.
func deliver(records []*record) []delivered {
	type place struct {
		account, region string
		slot            int64
	}
	groups := map[place][]*record{}
	for _, r := range records {
		p := place{r.RecipientAccount, r.AWSRegion, r.at.UnixNano() / int64(slot)}
		groups[p] = append(groups[p], r)
	}
	places := make([]place, 0, len(groups))
	for p := range groups {
		places = append(places, p)
	}
	sort.Slice(places, func(i, j int) bool {
		a, b := places[i], places[j]
		if a.account != b.account {
			return a.account < b.account
		}
		if a.region != b.region {
			return a.region < b.region
		}
		return a.slot < b.slot
	})
	names := newDraw(seed + 1)
	var out []delivered
	for i, p := range places {
		group := groups[p]
		at := group[len(group)-1].at.Add(5 * time.Minute).Truncate(5 * time.Minute)
		extension := ".json.gz"
		if i%7 == 3 { // a few as a mirror leaves them: unpacked
			extension = ".json"
		}
		name := fmt.Sprintf("%s_CloudTrail_%s_%s_%s%s", p.account, p.region, at.Format("20060102T1504Z"), names.text(16, anyText), extension)
		out = append(out, delivered{
			path:    filepath.Join("AWSLogs", p.account, "CloudTrail", p.region, at.Format("2006"), at.Format("01"), at.Format("02"), name),
			records: group,
		})
	}
	return out
}

// content is the file's JSON: one line, as delivered.
func (d delivered) content() ([]byte, error) {
	return compact(struct {
		Records []*record
	}{d.records})
}

// write replaces the AWSLogs folder in dir and says how many files and records it wrote.
func write(dir string, records []*record) (files, total int, err error) {
	if err := os.RemoveAll(filepath.Join(dir, "AWSLogs")); err != nil {
		return 0, 0, err
	}
	for _, d := range deliver(records) {
		content, err := d.content()
		if err != nil {
			return files, total, fmt.Errorf("encode %s: %w", d.path, err)
		}
		if filepath.Ext(d.path) == ".gz" {
			var b bytes.Buffer
			w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
			if err != nil {
				return files, total, err
			}
			if _, err := w.Write(content); err != nil {
				return files, total, err
			}
			if err := w.Close(); err != nil {
				return files, total, err
			}
			content = b.Bytes()
		}
		path := filepath.Join(dir, d.path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return files, total, err
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return files, total, err
		}
		files++
		total += len(d.records)
	}
	return files, total, nil
}
