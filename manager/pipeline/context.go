package pipeline

import (
	"encoding/json"
	"net/netip"

	armorv1 "armor/proto/armor/v1"
	"armor/rules"
)

// setContext takes the ECS fields from the decoded ones. Every value is valid UTF-8.
func setContext(c *armorv1.AlertContext, v *rules.Verdict) {
	get := func(names ...string) string {
		for _, name := range names {
			if s, ok := v.Field(name); ok && s != "" {
				return valid(s)
			}
		}
		return ""
	}
	if source := get("aws.source"); v.Decoder == "cloudtrail" || source == "cloudtrail" {
		setCloudTrailContext(c, get)
		return
	}
	c.EventAction = get("action")
	c.SourceIp = address(get("srcip"))
	c.UserName = get("dstuser", "srcuser")
}

func setCloudTrailContext(c *armorv1.AlertContext, get func(...string) string) {
	c.EventModule, c.EventDataset, c.CloudProvider = "aws", "aws.cloudtrail", "aws"
	c.EventAction = get("aws.eventName", "action")
	c.EventOutcome = "success"
	c.SourceIp = address(get("aws.sourceIPAddress", "srcip"))
	c.UserName = get("aws.userIdentity.userName", "aws.userIdentity.sessionContext.sessionIssuer.userName")
	c.CloudRegion = get("aws.awsRegion")
	if get("aws.errorCode") != "" {
		c.EventOutcome = "failure"
	}
	if c.UserName == "" && get("aws.userIdentity.type") == "Root" {
		c.UserName = "root"
	}
	c.CloudAccountId = get("aws.recipientAccountId", "aws.aws_account_id", "aws.userIdentity.accountId")
	c.CloudInstanceId = get("aws.requestParameters.instanceId", "aws.responseElements.instanceId")
	if c.CloudInstanceId == "" {
		c.CloudInstanceId = onlyInstance(get("aws.responseElements.instancesSet.items"), get("aws.requestParameters.instancesSet.items"))
	}
}

// address gives s if it is an IP address, in its usual form; else nothing: source.ip is of type ip in the store.
func address(s string) string {
	if s == "" {
		return ""
	}
	a, err := netip.ParseAddr(s)
	switch {
	case err != nil || a.Zone() != "":
		return ""
	case a.Is4():
		return s // there is only one form
	}
	return a.Unmap().String()
}

// onlyInstance gives the instance id that the first of the lists which names any names alone; two instances are not one.
func onlyInstance(lists ...string) string {
	for _, list := range lists {
		if list == "" || list[0] != '[' {
			continue
		}
		var items []struct {
			InstanceID string `json:"instanceId"`
		}
		if json.Unmarshal([]byte(list), &items) != nil {
			continue
		}
		found := ""
		for _, item := range items {
			if item.InstanceID == "" || item.InstanceID == found {
				continue
			}
			if found != "" {
				return ""
			}
			found = item.InstanceID
		}
		if found != "" {
			return found
		}
	}
	return ""
}
