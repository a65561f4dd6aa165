"""A Pulumi program without components, settings and catalog: it declares what `benchmarks.replay` has read."""

from benchmarks import replay

replay.declare()
