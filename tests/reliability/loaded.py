"""What a child of these tests comes to import sooner or later, and nothing of it at work."""

import openai  # noqa: F401

import imagegen_kit.engine.engine
import imagegen_kit.engine.session
import imagegen_kit.experiments.experiment
import imagegen_kit.providers.job_api.provider
import imagegen_kit.providers.openai.provider  # noqa: F401
