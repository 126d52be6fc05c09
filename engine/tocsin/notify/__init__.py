"""Who is told what, and when; pure: alerts in, notifications and the reasons for silence out.

`muting` says which alerts nobody is told of (silences, inhibition), `routing` to which channels and conversations the
others belong, `group` when a conversation speaks, `pacing` how flapping is damped.
"""
