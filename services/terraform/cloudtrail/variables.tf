variable "bucket" {
  description = "Name of the bucket that CloudTrail writes to; it must be new and unique in the world."
  type        = string
}

variable "agents" {
  description = "ARNs of the roles or users that Armor's agents run as; they may assume the role."
  type        = list(string)
}

variable "name" {
  description = "Name of the trail and the queue, and the beginning of the role's name."
  type        = string
  default     = "armor"
}

variable "mode" {
  description = "sqs: the bucket notifies a queue. bucket: the agent lists the bucket."
  type        = string
  default     = "sqs"
  validation {
    condition     = contains(["sqs", "bucket"], var.mode)
    error_message = "mode is sqs or bucket."
  }
}

variable "prefix" {
  description = "What stands before AWSLogs/ in the keys, without a slash at its end."
  type        = string
  default     = ""
}

variable "organization" {
  description = "Record all accounts of the organization. The account must be its management account or a delegated administrator."
  type        = bool
  default     = false
}

variable "external_id" {
  description = "External id that agents must give; for agents in somebody else's account."
  type        = string
  default     = ""
  sensitive   = true
}

variable "keep_days" {
  description = "Days after which log files are deleted."
  type        = number
  default     = 365
}
