package allinone

import (
	"strings"

	"armor/agent"
	"armor/agent/cloudtrail"
)

// trailInput is the input that a name stands for: a folder, s3://BUCKET/PREFIX, or the URL of a queue.
func trailInput(name string) agent.InputConfig {
	in := agent.InputConfig{Type: "cloudtrail"}
	switch bucket, ok := strings.CutPrefix(name, "s3://"); {
	case ok:
		in.Mode, in.AWS = cloudtrail.ModeBucket, &cloudtrail.Source{}
		in.AWS.Bucket, in.AWS.Prefix, _ = strings.Cut(bucket, "/")
	case strings.HasPrefix(name, "https://"), strings.HasPrefix(name, "http://"):
		in.Mode, in.AWS = cloudtrail.ModeQueue, &cloudtrail.Source{Queue: name}
	default:
		in.Path = name
	}
	return in
}
