"""Preview a Pulumi Python project with its policy packs, without the Pulumi CLI or a cloud account."""
