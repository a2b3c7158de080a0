"""Models that draw on this machine: public-domain clip art composed by the words of the prompt, no network, no cost.

They are stand-ins for trying the toolkit, tests and tutorials. They understand counts, colours, places, relations and
styles well enough that pictures match prompts and that styles change them; they are not generative models.
"""
