"""The engine's side of the Pulumi SDK's protocols, served to an unmodified program and its policy packs."""
