"""What the settings of AWS's services mean: reads and pure decisions that the controls share.

A control says what is judged and what is changed; what a key's state, a range of addresses or a load balancer's
metric means stands here, once, for every control of that service.
"""
