"""NetworkPolicies, evaluated as their specification says: a pod that some policy of a direction selects may do what any of those
allows, and nothing else; one that none selects may do all. A connection needs the leave of both its ends."""

import ipaddress
from dataclasses import dataclass, field


@dataclass(frozen=True)
class End:
    """A pod (with labels, in a namespace) or, without them, an address."""
    name: str
    namespace: str = ""
    labels: tuple = ()
    address: str = ""

    @property
    def is_pod(self):
        return bool(self.namespace)


@dataclass
class Network:
    policies: list
    namespaces: dict = field(default_factory=dict)  # name: labels

    def allows(self, source, target, port, protocol="TCP"):
        return self._lets(source, target, port, protocol, "Egress") and self._lets(target, source, port, protocol, "Ingress")

    def _lets(self, pod, other, port, protocol, direction):
        if not pod.is_pod:
            return True
        mine = [each for each in self.policies if each["metadata"]["namespace"] == pod.namespace and
                direction in each["spec"]["policyTypes"] and selects(each["spec"]["podSelector"], dict(pod.labels))]
        if not mine:
            return True
        return any(self._rule(rule, each["metadata"]["namespace"], other, port, protocol, direction)
                   for each in mine for rule in each["spec"].get(direction.lower()) or [])

    def _rule(self, rule, namespace, other, port, protocol, direction):
        ports = rule.get("ports")
        if ports and not any(each.get("protocol", "TCP") == protocol and each.get("port", port) == port for each in ports):
            return False
        peers = rule.get("from" if direction == "Ingress" else "to")
        return not peers or any(self._peer(peer, namespace, other) for peer in peers)

    def _peer(self, peer, namespace, other):
        if "ipBlock" in peer:
            if other.is_pod:
                return False  # a pod's address is nobody's promise
            at = ipaddress.ip_address(other.address)
            return at in ipaddress.ip_network(peer["ipBlock"]["cidr"]) and \
                not any(at in ipaddress.ip_network(each) for each in peer["ipBlock"].get("except", []))
        if not other.is_pod:
            return False
        if "namespaceSelector" in peer:
            if not selects(peer["namespaceSelector"], self.namespaces.get(other.namespace, {})):
                return False
        elif other.namespace != namespace:
            return False
        return selects(peer.get("podSelector", {}), dict(other.labels))


def selects(selector, labels):
    for key, value in (selector.get("matchLabels") or {}).items():
        if labels.get(key) != value:
            return False
    for each in selector.get("matchExpressions") or []:
        has, among = each["key"] in labels, labels.get(each["key"]) in each.get("values", [])
        if not {"In": among, "NotIn": not among, "Exists": has, "DoesNotExist": not has}[each["operator"]]:
            return False
    return True
