package cloudtrail

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"

	"armor/agent/cloudtrail/layout"
)

// placesEvery is how often new accounts and regions are looked for.
const placesEvery = 15 * time.Minute

// listers is how many listings run at the same time.
const listers = 8

// findPlaces looks for the accounts and regions of a bucket: one request, one for each organization, and one for each account.
func (b *Bucket) findPlaces(ctx context.Context) ([]layout.Place, error) {
	b.placesMu.Lock()
	defer b.placesMu.Unlock()
	if b.places != nil && b.intake.now().Sub(b.placesAt) < placesEvery {
		return b.places, nil
	}
	root := b.src.Prefix + "AWSLogs/" + b.src.Suffix
	folders, err := b.folders(ctx, root)
	if err != nil {
		return nil, err
	}
	if len(folders) == 0 && b.src.Prefix == "" {
		// Control Tower puts the organization before AWSLogs/.
		tops, err := b.folders(ctx, "")
		if err != nil {
			return nil, err
		}
		for _, top := range tops {
			if layout.IsOrganization(layout.Folder(top)) {
				below, err := b.folders(ctx, top+"AWSLogs/"+b.src.Suffix)
				if err != nil {
					return nil, err
				}
				folders = append(folders, below...)
			}
		}
	}
	var accounts []string
	for _, folder := range folders {
		name := layout.Folder(folder)
		switch {
		case layout.IsAccount(name) && b.src.Organization == "":
			accounts = append(accounts, folder)
		case layout.IsOrganization(name) && (b.src.Organization == "" || b.src.Organization == name):
			below, err := b.folders(ctx, folder)
			if err != nil {
				return nil, err
			}
			for _, account := range below {
				if layout.IsAccount(layout.Folder(account)) {
					accounts = append(accounts, account)
				}
			}
		}
	}
	places, err := b.regions(ctx, accounts)
	if err != nil {
		return nil, err
	}
	if len(places) == 0 {
		b.log.Warn("there are no CloudTrail logs yet; check bucket, prefix and organization if they should be there", "looked for", "s3://"+b.src.Bucket+"/"+root+"ACCOUNT/CloudTrail/")
	}
	b.places, b.placesAt = places, b.intake.now()
	if len(places) == 0 {
		b.places = nil // look again next time
	}
	return places, nil
}

// regions are the places of accounts.
func (b *Bucket) regions(ctx context.Context, accounts []string) ([]layout.Place, error) {
	var mu sync.Mutex
	var places []layout.Place
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(listers)
	for _, account := range accounts {
		name := layout.Folder(account)
		if len(b.src.Accounts) > 0 && !slices.Contains(b.src.Accounts, name) {
			continue
		}
		group.Go(func() error {
			folders, err := b.folders(ctx, account+"CloudTrail/")
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			for _, folder := range folders {
				region := layout.Folder(folder)
				if len(b.src.Regions) == 0 || slices.Contains(b.src.Regions, region) {
					places = append(places, layout.Place{Prefix: folder, Account: name, Region: region})
				}
			}
			return nil
		})
	}
	err := group.Wait()
	slices.SortFunc(places, func(x, y layout.Place) int { return cmpStrings(x.Prefix, y.Prefix) })
	return places, err
}

func cmpStrings(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	default:
		return 0
	}
}

// folders lists what is directly below a prefix.
func (b *Bucket) folders(ctx context.Context, prefix string) (list []string, err error) {
	in := &s3.ListObjectsV2Input{Bucket: &b.src.Bucket, Prefix: &prefix, Delimiter: aws.String("/")}
	pages := s3.NewListObjectsV2Paginator(b.api.S3, in)
	for pages.HasMorePages() {
		b.requests.Add(1)
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, b.explain(ctx, err, "s3:ListBucket", fmt.Sprintf("bucket %s", b.src.Bucket), b.src.Bucket)
		}
		for _, p := range page.CommonPrefixes {
			list = append(list, aws.ToString(p.Prefix))
		}
	}
	return list, nil
}
