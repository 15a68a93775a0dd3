# A trail of all regions, its bucket, the queue of its notifications, and the role that an Armor agent assumes to read them.
# docs/cloudtrail.md explains it.

terraform {
  required_version = ">= 1.3"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  trail_arn = "arn:${local.partition}:cloudtrail:${data.aws_region.current.name}:${local.account}:trail/${var.name}"
  root      = var.prefix == "" ? "" : "${var.prefix}/"
  queued    = var.mode == "sqs"
}

resource "aws_s3_bucket" "trail" {
  bucket = var.bucket
}

resource "aws_s3_bucket_public_access_block" "trail" {
  bucket                  = aws_s3_bucket.trail.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_lifecycle_configuration" "trail" {
  bucket = aws_s3_bucket.trail.id
  rule {
    id     = "expire"
    status = "Enabled"
    filter {}
    expiration {
      days = var.keep_days
    }
  }
}

data "aws_iam_policy_document" "bucket" {
  statement {
    sid       = "TrailReadsAcl"
    actions   = ["s3:GetBucketAcl"]
    resources = [aws_s3_bucket.trail.arn]
    principals {
      type        = "Service"
      identifiers = ["cloudtrail.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceArn"
      values   = [local.trail_arn]
    }
  }
  statement {
    sid       = "TrailWrites"
    actions   = ["s3:PutObject"]
    resources = ["${aws_s3_bucket.trail.arn}/${local.root}AWSLogs/*"]
    principals {
      type        = "Service"
      identifiers = ["cloudtrail.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "s3:x-amz-acl"
      values   = ["bucket-owner-full-control"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceArn"
      values   = [local.trail_arn]
    }
  }
}

resource "aws_s3_bucket_policy" "trail" {
  bucket = aws_s3_bucket.trail.id
  policy = data.aws_iam_policy_document.bucket.json
}

resource "aws_cloudtrail" "trail" {
  name                          = var.name
  s3_bucket_name                = aws_s3_bucket.trail.id
  s3_key_prefix                 = var.prefix == "" ? null : var.prefix
  is_multi_region_trail         = true
  is_organization_trail         = var.organization
  include_global_service_events = true
  enable_log_file_validation    = true # `armor cloudtrail verify` needs the digest files
  depends_on                    = [aws_s3_bucket_policy.trail]
}

# The queue, for mode sqs. Messages that nobody can follow go to a second queue after ten deliveries.

resource "aws_sqs_queue" "dead" {
  count                     = local.queued ? 1 : 0
  name                      = "${var.name}-dead"
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true
}

resource "aws_sqs_queue" "trail" {
  count                      = local.queued ? 1 : 0
  name                       = var.name
  message_retention_seconds  = 1209600
  visibility_timeout_seconds = 300
  receive_wait_time_seconds  = 20
  sqs_managed_sse_enabled    = true
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead[0].arn
    maxReceiveCount     = 10
  })
}

data "aws_iam_policy_document" "queue" {
  count = local.queued ? 1 : 0
  statement {
    sid       = "BucketNotifies"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.trail[0].arn]
    principals {
      type        = "Service"
      identifiers = ["s3.amazonaws.com"]
    }
    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [aws_s3_bucket.trail.arn]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }
}

resource "aws_sqs_queue_policy" "trail" {
  count     = local.queued ? 1 : 0
  queue_url = aws_sqs_queue.trail[0].id
  policy    = data.aws_iam_policy_document.queue[0].json
}

resource "aws_s3_bucket_notification" "trail" {
  count  = local.queued ? 1 : 0
  bucket = aws_s3_bucket.trail.id
  queue {
    queue_arn     = aws_sqs_queue.trail[0].arn
    events        = ["s3:ObjectCreated:*"]
    filter_prefix = "${local.root}AWSLogs/"
    filter_suffix = ".json.gz"
  }
  depends_on = [aws_sqs_queue_policy.trail]
}

# The role.

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "AWS"
      identifiers = var.agents
    }
    dynamic "condition" {
      for_each = var.external_id == "" ? [] : [var.external_id]
      content {
        test     = "StringEquals"
        variable = "sts:ExternalId"
        values   = [condition.value]
      }
    }
  }
}

data "aws_iam_policy_document" "read" {
  statement {
    sid       = "ReadLogs"
    actions   = ["s3:GetObject"]
    resources = ["${aws_s3_bucket.trail.arn}/${local.root}AWSLogs/*"]
  }
  dynamic "statement" {
    for_each = local.queued ? [] : [1]
    content {
      sid       = "ListLogs"
      actions   = ["s3:ListBucket"]
      resources = [aws_s3_bucket.trail.arn]
    }
  }
  dynamic "statement" {
    for_each = local.queued ? aws_sqs_queue.trail : []
    content {
      sid       = "TakeMessages"
      actions   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"]
      resources = [statement.value.arn]
    }
  }
}

resource "aws_iam_role" "armor" {
  name                 = "${var.name}-armor"
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  max_session_duration = 3600
}

resource "aws_iam_role_policy" "armor" {
  name   = "read-cloudtrail"
  role   = aws_iam_role.armor.id
  policy = data.aws_iam_policy_document.read.json
}
