package main

import (
	"fmt"
	"time"
)

// quiet is a call of another service than EC2: Armor's EC2 rules say nothing about it.
func (s *story) quiet(who *caller, region string, at time.Time) {
	switch s.IntN(8) {
	case 0:
		r := s.call(who, region, "s3.amazonaws.com", "GetBucketLocation", at)
		r.ReadOnly = true
		bucket := "example-artifacts-" + who.account
		r.RequestParameters = obj("bucketName", bucket, "Host", "s3."+region+".amazonaws.com", "location", "")
		r.AdditionalData = obj("SignatureVersion", "SigV4", "CipherSuite", "TLS_AES_128_GCM_SHA256", "bytesTransferredIn", 0,
			"AuthenticationMethod", "AuthHeader", "x-amz-id-2", s.text(56, anyText)+"=", "bytesTransferredOut", 137)
	case 1:
		r := s.call(who, region, "sts.amazonaws.com", "AssumeRole", at)
		r.ReadOnly = true
		r.RequestParameters = obj("roleArn", fmt.Sprintf("arn:aws:iam::%s:role/read-metrics", who.account), "roleSessionName", "metrics", "durationSeconds", 900)
		r.ResponseElements = obj(
			"credentials", obj("accessKeyId", s.accessKey("ASIA"), "expiration", at.Add(15*time.Minute).UTC().Format("Jan 2, 2006, 3:04:05 PM")),
			"assumedRoleUser", obj("assumedRoleId", s.unique("AROA")+":metrics", "arn", fmt.Sprintf("arn:aws:sts::%s:assumed-role/read-metrics/metrics", who.account)))
	case 2:
		r := s.call(who, region, "kms.amazonaws.com", "Decrypt", at)
		r.ReadOnly = true
		r.RequestParameters = obj("encryptionContext", obj("PARAMETER_ARN", fmt.Sprintf("arn:aws:ssm:%s:%s:parameter/web/database", region, who.account)), "encryptionAlgorithm", "SYMMETRIC_DEFAULT")
	case 3:
		r := s.call(who, region, "logs.amazonaws.com", "CreateLogStream", at)
		r.RequestParameters = obj("logGroupName", "/aws/lambda/start-stop-development", "logStreamName", at.UTC().Format("2006/01/02")+"/[$LATEST]"+s.text(32, lowerHex))
	case 4:
		r := s.call(who, region, "iam.amazonaws.com", "ListUsers", at)
		r.ReadOnly = true
		r.RequestParameters = obj("maxItems", 100)
	case 5:
		r := s.call(who, region, "rds.amazonaws.com", "DescribeDBInstances", at)
		r.ReadOnly = true
		r.RequestParameters = obj("maxRecords", 100)
	case 6:
		r := s.call(who, region, "lambda.amazonaws.com", "ListFunctions20150331", at)
		r.ReadOnly = true
		r.RequestParameters = obj("maxItems", 50)
	default:
		r := s.call(who, region, "cloudtrail.amazonaws.com", "LookupEvents", at)
		r.ReadOnly = true
		r.RequestParameters = obj("maxResults", 50)
	}
}

// signIn is a sign-in to the console.
func (s *story) signIn(who *caller, at time.Time, good bool) {
	r := s.call(who, "us-east-1", "signin.amazonaws.com", "ConsoleLogin", at)
	r.EventType, r.RequestID = "AwsConsoleSignIn", ""
	r.RequestParameters = nil
	r.ResponseElements = obj("ConsoleLogin", "Success")
	if !good {
		r.ErrorMessage = "Failed authentication"
		r.ResponseElements = obj("ConsoleLogin", "Failure")
	}
	mfa := "No"
	if who.mfa {
		mfa = "Yes"
	}
	r.AdditionalData = obj("LoginTo", "https://console.aws.amazon.com/console/home?region=us-east-1&state=hashArgs%23", "MobileVersion", "No", "MFAUsed", mfa)
}

// inventory is what AWS Config does by itself: an event of a service, with hardly an identity.
func (s *story) inventory(region string, at time.Time) {
	who := s.cast.config
	r := s.call(who, region, "sts.amazonaws.com", "AssumeRole", at)
	r.ReadOnly = true
	r.TLSDetails = nil
	r.RequestParameters = obj("roleArn", fmt.Sprintf("arn:aws:iam::%s:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig", who.account), "roleSessionName", "AWSConfig-Describe")
}
