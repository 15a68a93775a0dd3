package main

import (
	"slices"
	"time"
)

// story is two days in two accounts: deployments, office hours of a development fleet, an operator at the console, a curious
// analyst, and a leaked key that somebody tries out at night.
type story struct {
	*draw
	cast    cast
	day     time.Time
	records []*record
}

const (
	virginia  = "us-east-1"
	ireland   = "eu-west-1"
	frankfurt = "eu-central-1"
)

func newStory(seed uint64) *story {
	day := time.Date(2026, time.November, 22, 0, 0, 0, 0, time.UTC)
	s := &story{draw: newDraw(seed), day: day}
	s.cast = newCast(s.draw)
	return s
}

// call begins a record with what every record has.
func (s *story) call(who *caller, region, source, name string, at time.Time) *record {
	r := &record{
		EventVersion: "1.11", UserIdentity: who.identity(), EventTime: stamp(at), EventSource: source, EventName: name,
		AWSRegion: region, SourceIPAddress: who.ip, UserAgent: who.agent,
		RequestID: s.uuid(), EventID: s.uuid(), EventType: "AwsApiCall", ManagementEvent: true,
		RecipientAccount: who.account, EventCategory: "Management", at: at,
		TLSDetails: &tlsDetails{"TLSv1.3", "TLS_AES_128_GCM_SHA256", source[:len(source)-len(".amazonaws.com")] + "." + region + ".amazonaws.com"},
	}
	if who.console {
		r.FromConsole = "true"
	}
	s.records = append(s.records, r)
	return r
}

// tell gives all records in the order of their times.
func (s *story) tell() []*record {
	for _, day := range []time.Time{s.day, s.day.AddDate(0, 0, 1)} {
		s.cast.newSessions(s.draw, day)
		s.deployments(day)
		s.officeHours(day)
		s.console(day)
		s.background(day)
	}
	s.leakedKey(s.day.Add(26*time.Hour + 40*time.Minute))
	slices.SortStableFunc(s.records, func(a, b *record) int { return a.at.Compare(b.at) })
	return s.records
}

// deployments: the pipeline replaces web servers in the morning and in the afternoon.
func (s *story) deployments(day time.Time) {
	who := s.cast.pipeline
	for _, hour := range []time.Duration{6, 14} {
		for _, region := range []string{virginia, ireland} {
			at := s.within(day.Add(hour*time.Hour+5*time.Minute), 20*time.Minute)
			s.look(who, region, "DescribeInstances", at)
			s.look(who, region, "DescribeSecurityGroups", at.Add(2*time.Second))
			s.createSecurityGroup(who, region, "web-"+at.Format("0102-15"), at.Add(6*time.Second), true)
			fresh := s.runInstances(who, region, at.Add(11*time.Second), "m7i.large", true)
			s.runInstances(who, region, at.Add(14*time.Second), "m7i.large", true)
			s.elasticIP(who, region, fresh, at.Add(40*time.Second))
			s.changeState(who, region, "StopInstances", at.Add(95*time.Second), true, s.resource("i"), s.resource("i"))
			for i := range 4 {
				s.quiet(who, region, at.Add(time.Duration(15+20*i)*time.Second))
			}
		}
	}
}

// officeHours: the development fleet starts in the morning and stops in the evening.
func (s *story) officeHours(day time.Time) {
	who := s.cast.scaler
	for i := range 3 {
		id := s.resource("i")
		step := time.Duration(i) * 7 * time.Second
		s.changeState(who, frankfurt, "StartInstances", day.Add(7*time.Hour+step), true, id)
		s.changeState(who, frankfurt, "StopInstances", day.Add(18*time.Hour+step), true, id)
	}
	for _, hour := range []time.Duration{7, 18} {
		s.look(who, frankfurt, "DescribeInstances", day.Add(hour*time.Hour-5*time.Second))
		s.quiet(who, frankfurt, day.Add(hour*time.Hour+40*time.Second))
	}
}

// console: an operator works, an analyst asks for more than they may, the owner of an account signs in.
func (s *story) console(day time.Time) {
	operator, analyst := s.cast.operator, s.cast.analyst
	s.signIn(operator, day.Add(8*time.Hour), true)
	at := day.Add(9*time.Hour + 12*time.Minute)
	bastion := s.runInstances(operator, virginia, at, "t3.small", true)
	s.elasticIP(operator, virginia, bastion, at.Add(3*time.Minute))
	s.createSecurityGroup(operator, virginia, "bastion-"+at.Format("0102"), at.Add(-time.Minute), true)
	s.changeState(operator, virginia, "StopInstances", at.Add(7*time.Hour), true, bastion)
	s.mistake(operator, virginia, "DeleteVolume", at.Add(time.Hour))

	at = day.Add(11 * time.Hour)
	for i, name := range []string{"DescribeInstances", "DescribeVolumes", "DescribeRegions"} {
		s.look(analyst, ireland, name, at.Add(time.Duration(i)*20*time.Second))
	}
	s.changeState(analyst, ireland, "StartInstances", at.Add(90*time.Second), false, s.resource("i"))
	s.changeState(analyst, ireland, "StopInstances", at.Add(4*time.Minute), false, s.resource("i"))
	s.signIn(s.cast.root, day.Add(20*time.Hour), day.Day()%2 == 0)
}

// leakedKey: reconnaissance from a strange address, then attempts that the key's policy refuses, region by region.
func (s *story) leakedKey(at time.Time) {
	who := s.cast.stolen
	r := s.call(who, virginia, "sts.amazonaws.com", "GetCallerIdentity", at)
	r.ReadOnly = true
	for i, region := range []string{virginia, ireland, frankfurt} {
		at := at.Add(time.Duration(1+3*i) * time.Minute)
		for j, name := range []string{"DescribeRegions", "DescribeInstances", "DescribeSecurityGroups", "DescribeKeyPairs"} {
			s.look(who, region, name, at.Add(time.Duration(j)*time.Second))
		}
		s.createSecurityGroup(who, region, "launch-wizard-9", at.Add(10*time.Second), false)
		for j, kind := range []string{"p5.48xlarge", "p4d.24xlarge", "g6.48xlarge"} {
			s.runInstances(who, region, at.Add(time.Duration(14+3*j)*time.Second), kind, false)
		}
		victim := s.resource("i")
		s.changeState(who, region, "StopInstances", at.Add(50*time.Second), false, victim)
		s.changeState(who, region, "StartInstances", at.Add(55*time.Second), false, victim)
	}
}

// background: what goes on all day and means nothing.
func (s *story) background(day time.Time) {
	for range 55 {
		who := pick(s.draw, s.cast.pipeline, s.cast.operator, s.cast.scaler, s.cast.analyst)
		region := pick(s.draw, virginia, ireland)
		if who == s.cast.scaler {
			region = frankfurt
		}
		s.quiet(who, region, s.within(day.Add(9*time.Hour), 8*time.Hour))
	}
	for range 35 {
		s.look(pick(s.draw, s.cast.pipeline, s.cast.operator), pick(s.draw, virginia, ireland),
			pick(s.draw, "DescribeInstances", "DescribeSecurityGroups", "DescribeVolumes", "DescribeInstanceStatus", "DescribeAvailabilityZones"),
			s.within(day.Add(9*time.Hour), 8*time.Hour))
	}
	for i := range 12 {
		s.inventory(virginia, day.Add(time.Duration(i)*2*time.Hour+11*time.Minute))
	}
}
