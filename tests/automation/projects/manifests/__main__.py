import pulumi_kubernetes as kubernetes

kubernetes.yaml.ConfigFile("plugin", file="plugin.yaml")
kubernetes.yaml.ConfigGroup("more", yaml=["{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}}"])
