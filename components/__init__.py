"""The platform's nouns as component resources, with pure builders of what they register beside them.

A component takes settings as plain data and other resources' values as inputs. It registers what it was
decided to be as its own inputs, so that state and resource policies can see it.
"""
