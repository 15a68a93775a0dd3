package main

import (
	"fmt"
	"time"
)

// refused is the error code of an EC2 call that the caller may not make.
const refused = "Client.UnauthorizedOperation"

// refuse makes the record one that EC2 turned away.
func (s *story) refuse(r *record, who *caller, action, resource string) {
	r.ErrorCode = refused
	r.ErrorMessage = fmt.Sprintf("You are not authorized to perform this operation. User: %s is not authorized to perform: %s on resource: arn:aws:ec2:%s:%s:%s because no identity-based policy allows the %s action. Encoded authorization failure message: %s",
		who.arn(), action, r.AWSRegion, who.account, resource, action, s.text(180, anyText+"-_"))
	r.ResponseElements = nil
}

// runInstances launches one instance and gives back its id.
func (s *story) runInstances(who *caller, region string, at time.Time, kind string, allowed bool) string {
	r := s.call(who, region, "ec2.amazonaws.com", "RunInstances", at)
	image, subnet, group, token := s.resource("ami"), s.resource("subnet"), s.resource("sg"), s.uuid()
	r.RequestParameters = obj(
		"instancesSet", items(obj("imageId", image, "minCount", 1, "maxCount", 1, "keyName", "fleet-2026")),
		"groupSet", items(obj("groupId", group)),
		"instanceType", kind,
		"blockDeviceMapping", items(obj("deviceName", "/dev/xvda", "ebs", obj("volumeSize", 30, "deleteOnTermination", true, "volumeType", "gp3", "encrypted", true))),
		"monitoring", obj("enabled", false),
		"subnetId", subnet,
		"disableApiTermination", false,
		"disableApiStop", false,
		"clientToken", token,
		"ebsOptimized", true,
		"tagSpecificationSet", items(obj("resourceType", "instance", "tags", []any{obj("key", "Name", "value", "web-"+s.text(2, "123456789"))})),
		"metadataOptions", obj("httpTokens", "required"))
	instance := s.resource("i")
	if !allowed {
		s.refuse(r, who, "ec2:RunInstances", "instance/*")
		return instance
	}
	address := fmt.Sprintf("10.20.%d.%d", s.IntN(16), 4+s.IntN(250))
	name := fmt.Sprintf("ip-%s.%s.compute.internal", dashes(address), region)
	r.ResponseElements = obj(
		"requestId", r.RequestID,
		"reservationId", s.resource("r"),
		"ownerId", who.account,
		"groupSet", obj(),
		"instancesSet", items(obj(
			"instanceId", instance,
			"imageId", image,
			"instanceState", obj("code", 0, "name", "pending"),
			"privateDnsName", name,
			"keyName", "fleet-2026",
			"amiLaunchIndex", 0,
			"productCodes", obj(),
			"instanceType", kind,
			"launchTime", at.UnixMilli(),
			"placement", obj("availabilityZone", region+pick(s.draw, "a", "b", "c"), "tenancy", "default"),
			"monitoring", obj("state", "disabled"),
			"subnetId", subnet,
			"vpcId", s.resource("vpc"),
			"privateIpAddress", address,
			"stateReason", obj("code", "pending", "message", "pending"),
			"architecture", "x86_64",
			"rootDeviceType", "ebs",
			"rootDeviceName", "/dev/xvda",
			"virtualizationType", "hvm",
			"hypervisor", "xen",
			"clientToken", token,
			"groupSet", items(obj("groupId", group, "groupName", "web")),
			"sourceDestCheck", true,
			"ebsOptimized", true)))
	return instance
}

// dashes is an address as it stands in a private host name.
func dashes(address string) string {
	b := []byte(address)
	for i := range b {
		if b[i] == '.' {
			b[i] = '-'
		}
	}
	return string(b)
}

// changeState starts or stops instances.
func (s *story) changeState(who *caller, region, name string, at time.Time, allowed bool, instances ...string) {
	r := s.call(who, region, "ec2.amazonaws.com", name, at)
	asked, changed := []any{}, []any{}
	before, after := obj("code", 80, "name", "stopped"), obj("code", 0, "name", "pending")
	if name == "StopInstances" {
		before, after = obj("code", 16, "name", "running"), obj("code", 64, "name", "stopping")
	}
	for _, id := range instances {
		asked = append(asked, obj("instanceId", id))
		changed = append(changed, obj("instanceId", id, "currentState", after, "previousState", before))
	}
	r.RequestParameters = obj("instancesSet", obj("items", asked))
	if name == "StopInstances" {
		r.RequestParameters = append(r.RequestParameters, member{"force", false})
	}
	if !allowed {
		s.refuse(r, who, "ec2:"+name, "instance/"+instances[0])
		return
	}
	r.ResponseElements = obj("requestId", r.RequestID, "instancesSet", obj("items", changed))
}

// createSecurityGroup makes a security group.
func (s *story) createSecurityGroup(who *caller, region, name string, at time.Time, allowed bool) {
	r := s.call(who, region, "ec2.amazonaws.com", "CreateSecurityGroup", at)
	vpc := s.resource("vpc")
	r.RequestParameters = obj("groupName", name, "groupDescription", "Managed by "+who.user, "vpcId", vpc)
	if !allowed {
		s.refuse(r, who, "ec2:CreateSecurityGroup", "vpc/"+vpc)
		return
	}
	group := s.resource("sg")
	r.ResponseElements = obj("requestId", r.RequestID, "_return", true, "groupId", group,
		"securityGroupArn", fmt.Sprintf("arn:aws:ec2:%s:%s:security-group/%s", region, who.account, group))
}

// elasticIP allocates an address and associates it with an instance.
func (s *story) elasticIP(who *caller, region, instance string, at time.Time) {
	public := fmt.Sprintf("203.0.113.%d", 128+s.IntN(120))
	allocation := s.resource("eipalloc")
	r := s.call(who, region, "ec2.amazonaws.com", "AllocateAddress", at)
	r.RequestParameters = obj("domain", "vpc")
	r.ResponseElements = obj("requestId", r.RequestID, "publicIp", public, "domain", "vpc", "allocationId", allocation,
		"publicIpv4Pool", "amazon", "networkBorderGroup", region)
	r = s.call(who, region, "ec2.amazonaws.com", "AssociateAddress", at.Add(4*time.Second))
	r.RequestParameters = obj("allocationId", allocation, "instanceId", instance, "allowReassociation", false)
	r.ResponseElements = obj("requestId", r.RequestID, "_return", true, "associationId", s.resource("eipassoc"))
}

// look is a read-only EC2 call: rule 80300, level 0, no alert.
func (s *story) look(who *caller, region, name string, at time.Time) {
	r := s.call(who, region, "ec2.amazonaws.com", name, at)
	r.ReadOnly = true
	switch name {
	case "DescribeInstances":
		r.RequestParameters = obj("maxResults", 1000, "instancesSet", obj(), "filterSet", items(obj("name", "tag:Name", "valueSet", items(obj("value", "web-*")))))
	case "DescribeSecurityGroups":
		r.RequestParameters = obj("maxResults", 1000, "securityGroupSet", obj(), "securityGroupIdSet", obj(), "filterSet", obj())
	case "DescribeVolumes":
		r.RequestParameters = obj("volumeSet", obj(), "filterSet", obj())
	default:
		r.RequestParameters = obj()
	}
}

// mistake is a call that failed for another reason than permission: the base rule stays the match.
func (s *story) mistake(who *caller, region, name string, at time.Time) {
	r := s.call(who, region, "ec2.amazonaws.com", name, at)
	id := s.resource("vol")
	r.RequestParameters = obj("volumeId", id)
	r.ErrorCode = "Client.InvalidVolume.NotFound"
	r.ErrorMessage = fmt.Sprintf("The volume '%s' does not exist.", id)
}
