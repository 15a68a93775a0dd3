output "agent_configuration" {
  description = "The input for the agent's configuration file."
  sensitive   = true
  value = yamlencode({
    inputs = [{
      type = "cloudtrail"
      mode = var.mode
      aws = merge(
        {
          region   = data.aws_region.current.name
          bucket   = aws_s3_bucket.trail.id
          role_arn = aws_iam_role.armor.arn
        },
        local.queued ? { queue = aws_sqs_queue.trail[0].id } : {},
        var.prefix == "" ? {} : { prefix = var.prefix },
        var.external_id == "" ? {} : { external_id = var.external_id },
      )
    }]
  })
}

output "role_arn" {
  description = "The role that agents assume."
  value       = aws_iam_role.armor.arn
}
