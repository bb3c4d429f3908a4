# SPDX-License-Identifier: BSD-3-Clause
"""cases - the list of scripted conversations; each is a function that is given a Talk."""

ALL = []


def case(fronts="direct proxy", v6=True, takes=1, soak=False):
    """
    Register a conversation. `fronts` it is held with, one after the other word; v6: with IPv6
    as well; takes: seconds, so that long ones begin first; soak: only in a soak. What holds
    of the proxy and directly holds while segments of no connection flood, too.
    """
    def register(function):
        for front in fronts.replace("proxy", "proxy strict").replace("direct", "direct guarded").split():
            for is_v6 in (False, True) if v6 else (False,):
                ALL.append({"function": function, "front": front, "v6": is_v6, "takes": takes, "soak": soak,
                            "name": "%s_%s_ipv%d" % (function.__name__, front, 6 if is_v6 else 4)})
        return function
    return register
