"""Who is told what, and when; pure: alerts in, notifications and the reasons for silence out.

`muting` says which alerts nobody is told of (silences, inhibition), `routing` to which channels and conversations the
others belong, `courses` what a conversation goes on with when routes change under it, `group` what it says and `due`
when, `pacing` how flapping is damped.
"""
