# The roles platform/fleet-{account} and old/legacy,admin=1, which fleet-repl assumes in each
# account of the fleet all_sorts.of-things. The module allows what the inventory uses now: print it
# again when that changes.
#
# A provider reaches one account and takes no for_each. So the module is used once, in the
# organization's management account or in a delegated administrator's, and makes a StackSet: every
# account of the units gets the role, and so does each that joins later. Save it as
# fleet-repl-role/main.tf:
#
#   module "fleet_repl_role" {
#     source        = "./fleet-repl-role"
#     external_id   = var.external_id
#     external_id_2 = var.external_id_2
#   }
#
# What this does not reach:
#
# - The organization's management account, even within such a unit: StackSets pass it over.
# - Accounts outside these units.
# - 444444444444, with role = "none": the base identity acts there itself, and --format iam prints
#   the policy for it.
# - 1 hub role, in [aws] via: --format iam prints the trust and the policy for each.
# - The base identity, which has to be allowed to assume the next role: --format iam prints the
#   policy for it.
# - External accounts, of which nothing is managed: partner.

terraform {
  required_version = ">= 1.3"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.70"
    }
  }
}

variable "principal" {
  description = "The ARN of the identity that assumes the role."
  type        = string
  default     = "arn:aws-us-gov:iam::999999999999:role/hub"
}

variable "organizational_units" {
  description = "Ids of the organizational units, or of the root, whose accounts get the role."
  type        = set(string)
  default     = ["ou-abcd-11111111", "ou-abcd-22222222"]
}

variable "external_id" {
  description = "The external id of the hub roles and platform/fleet-{account} in 111111111111, 222222222222."
  type        = string
  sensitive   = true
}

variable "external_id_2" {
  description = "The external id of old/legacy,admin=1 in 333333333333."
  type        = string
  sensitive   = true
}

variable "call_as" {
  description = "SELF in the management account, DELEGATED_ADMIN in a delegated administrator's."
  type        = string
  default     = "SELF"
}

variable "in_this_account" {
  description = "Whether this account gets the role too, as StackSets skip the management account."
  type        = bool
  default     = false
}

locals {
  main = "fleet-repl-all-sorts-of-things"

  # Accounts within the units that do not get the main role, when a unit is added.
  excluded = ["333333333333", "444444444444"]

  # A StackSet for each. The main one goes to every account of the units, the others to
  # their accounts.
  roles = {
    "fleet-repl-all-sorts-of-things" = {
      automatic = true
      accounts  = []
      parameters = {
        Principal  = var.principal
        WhichRole  = "platform/fleet-{account}"
        ExternalId = var.external_id
      }
    }
    "fleet-repl-all-sorts-of-things-2" = {
      automatic = false
      accounts  = ["333333333333"]
      parameters = {
        Principal  = var.principal
        WhichRole  = "old/legacy,admin=1"
        ExternalId = var.external_id_2
      }
    }
  }

  template = <<-YAML
    AWSTemplateFormatVersion: "2010-09-09"
    Description: The role that fleet-repl assumes in an account of all_sorts.of-things

    Parameters:
      Principal:
        Type: String
        Description: The ARN of the identity that assumes the role
        Default: arn:aws-us-gov:iam::999999999999:role/hub
      WhichRole:
        Type: String
        Description: Which role of the inventory it is
        Default: "platform/fleet-{account}"
        AllowedValues:
          - "platform/fleet-{account}"
          - "old/legacy,admin=1"
      ExternalId:
        Type: String
        Description: The external id that has to be given with it
        NoEcho: "true"
        MinLength: 2

    Conditions:
      IsRole2: !Equals
        - !Ref WhichRole
        - "old/legacy,admin=1"

    Resources:
      Role:
        Type: AWS::IAM::Role
        Properties:
          RoleName: !If
            - IsRole2
            - "legacy,admin=1"
            - !Sub "fleet-$${AWS::AccountId}"
          Path: !If
            - IsRole2
            - "/old/"
            - "/platform/"
          Description: fleet-repl replicates ECR images in the fleet all_sorts.of-things
          AssumeRolePolicyDocument:
            Version: "2012-10-17"
            Statement:
              - Effect: Allow
                Principal:
                  AWS: !Ref Principal
                Action: sts:AssumeRole
                Condition:
                  StringEquals:
                    aws:PrincipalOrgID: o-abcde12345
                    sts:ExternalId: !Ref ExternalId
      Permissions:
        Type: AWS::IAM::RolePolicy
        Properties:
          RoleName: !Ref Role
          PolicyName: fleet-repl
          PolicyDocument:
            Version: "2012-10-17"
            Statement:
              - Sid: Registries
                Effect: Allow
                Action:
                  - ecr:DescribeRegistry
                  - ecr:GetRegistryPolicy
                  - ecr:PutReplicationConfiguration
                Resource: "*"
              - Sid: Grants
                Effect: Allow
                Action:
                  - ecr:GetAccountSetting
                  - ecr:PutRegistryPolicy
                  - ecr:DeleteRegistryPolicy
                Resource: "*"
              - Sid: Deliveries
                Effect: Allow
                Action:
                  - ecr:DescribeRepositories
                  - ecr:DescribeImages
                  - ecr:DescribeImageReplicationStatus
                Resource: "*"
              - Sid: Backfills
                Effect: Allow
                Action:
                  - ecr:ListReplicationBackfills
                  - ecr:DescribeReplicationBackfillResults
                  - ecr:StartReplicationBackfill
                Resource: "*"
              - Sid: Templates
                Effect: Allow
                Action:
                  - ecr:DescribeRepositoryCreationTemplates
                  - ecr:CreateRepositoryCreationTemplate
                  - ecr:UpdateRepositoryCreationTemplate
                  - ecr:DeleteRepositoryCreationTemplate
                  - ecr:CreateRepository
                Resource: "*"
              - Sid: LifecyclePoliciesOfTemplates
                Effect: Allow
                Action: ecr:PutLifecyclePolicy
                Resource: "*"
              - Sid: RepositoryPoliciesOfTemplates
                Effect: Allow
                Action: ecr:SetRepositoryPolicy
                Resource: "*"
              - Sid: OwnPermissions
                Effect: Allow
                Action: iam:SimulatePrincipalPolicy
                Resource: !GetAtt Role.Arn
              - Sid: ServiceLinkedRoleOfReplication
                Effect: Allow
                Action: iam:CreateServiceLinkedRole
                Resource: !Sub "arn:$${AWS::Partition}:iam::$${AWS::AccountId}:role/aws-service-role/replication.ecr.amazonaws.com/*"
                Condition:
                  StringEquals:
                    iam:AWSServiceName: replication.ecr.amazonaws.com
              - Sid: ServiceLinkedRoleOfTemplates
                Effect: Allow
                Action: iam:CreateServiceLinkedRole
                Resource: !Sub "arn:$${AWS::Partition}:iam::$${AWS::AccountId}:role/aws-service-role/ecr.amazonaws.com/*"
                Condition:
                  StringEquals:
                    iam:AWSServiceName: ecr.amazonaws.com
              - Sid: RolesOfTemplates
                Effect: Allow
                Action: iam:PassRole
                Resource: !Sub "arn:$${AWS::Partition}:iam::$${AWS::AccountId}:role/ecr-$${AWS::AccountId}"
  YAML
}

resource "aws_cloudformation_stack_set" "role" {
  for_each = local.roles

  name             = each.key
  permission_model = "SERVICE_MANAGED"
  call_as          = var.call_as
  capabilities     = ["CAPABILITY_NAMED_IAM"]
  template_body    = local.template
  parameters       = each.value.parameters

  auto_deployment {
    enabled                          = each.value.automatic
    retain_stacks_on_account_removal = each.value.automatic ? false : null
  }

  operation_preferences {
    failure_tolerance_percentage = 10
    max_concurrent_percentage    = 25
  }

  lifecycle {
    # AWS fills it in.
    ignore_changes = [administration_role_arn]
  }
}

resource "aws_cloudformation_stack_set_instance" "units" {
  for_each = var.organizational_units

  stack_set_name = aws_cloudformation_stack_set.role[local.main].name
  call_as        = var.call_as

  deployment_targets {
    organizational_unit_ids = [each.value]
    account_filter_type     = length(local.excluded) > 0 ? "DIFFERENCE" : null
    accounts                = length(local.excluded) > 0 ? local.excluded : null
  }

  lifecycle {
    # A change would take the role away from every account for as long as it is made anew.
    ignore_changes = [
      deployment_targets[0].account_filter_type,
      deployment_targets[0].accounts,
    ]
  }
}

resource "aws_cloudformation_stack_set_instance" "accounts" {
  for_each = merge([
    for name, role in local.roles : { for account in role.accounts : account => name }
  ]...)

  stack_set_name = aws_cloudformation_stack_set.role[each.value].name
  call_as        = var.call_as

  deployment_targets {
    organizational_unit_ids = var.organizational_units
    account_filter_type     = "INTERSECTION"
    accounts                = [each.key]
  }

  lifecycle {
    ignore_changes = [deployment_targets[0].organizational_unit_ids]
  }
}

resource "aws_cloudformation_stack" "this_account" {
  count = var.in_this_account ? 1 : 0

  name          = local.main
  capabilities  = ["CAPABILITY_NAMED_IAM"]
  template_body = local.template
  parameters    = local.roles[local.main].parameters
}
