"""The remediation pipeline: request > policy > plan > guard > apply > verify > record > tell."""
