"""What Windows does with an administrative template, as far as it is documented: an ADMX and its languages read, the
values that the Group Policy editor writes for Enabled and Disabled, and the form of Registry.pol (MS-GPREG 2.2.1).

Written from the documentation of these formats, and shares nothing with admx/ or policy/: that is its use.
"""
import struct
import xml.etree.ElementTree as ET

NS = "{http://schemas.microsoft.com/GroupPolicy/2006/07/PolicyDefinitions}"
REG_SZ, REG_EXPAND_SZ, REG_DWORD = 1, 2, 4
CONTROLS = {"decimal": "decimalTextBox", "text": "textBox", "enum": "dropdownList", "list": "listBox",
            "boolean": "checkBox", "multiText": "multiTextBox"}


def tag(node):
    return node.tag.removeprefix(NS)


def value_of(node):
    """The (type, data) of what stands in <value>, <enabledValue> or <disabledValue>; None for <delete/>."""
    child = node[0]
    if tag(child) == "decimal":
        return REG_DWORD, int(child.get("value"))
    if tag(child) == "string":
        return REG_SZ, child.text or ""
    return None


class Element:
    def __init__(self, node, key):
        self.kind = tag(node)
        self.id = node.get("id")
        self.key = node.get("key", key)
        self.value_name = node.get("valueName")
        self.get = node.get
        self.items = [(item.get("displayName"), value_of(item.find(NS + "value")))
                      for item in node.findall(NS + "item")]


class Policy:
    def __init__(self, node):
        self.node = node
        self.name = node.get("name")
        self.cls = node.get("class")
        self.key = node.get("key")
        self.value_name = node.get("valueName")
        self.get = node.get
        self.category = self._reference("parentCategory")
        self.supported = self._reference("supportedOn")
        self.enabled_value = self._value("enabledValue")
        self.disabled_value = self._value("disabledValue")
        self.enabled_list = self._list("enabledList")
        self.disabled_list = self._list("disabledList")
        elements = node.find(NS + "elements")
        self.elements = [Element(e, self.key) for e in (elements if elements is not None else [])]

    def _reference(self, name):
        node = self.node.find(NS + name)
        return node.get("ref") if node is not None else None

    def _value(self, name):
        node = self.node.find(NS + name)
        return value_of(node) if node is not None else None

    def _list(self, name):
        node = self.node.find(NS + name)
        if node is None:
            return []
        default = node.get("defaultKey", self.key)
        return [(item.get("key", default), item.get("valueName"), value_of(item.find(NS + "value"))) for item in node]


class Template:
    def __init__(self, text):
        self.root = ET.fromstring(text)
        self.policies = [Policy(node) for node in self.root.iter(NS + "policy")]
        self.categories = {node.get("name"): node for node in self.root.iter(NS + "category")}
        self.definitions = [node.get("name") for node in self.root.iter(NS + "definition")]

    def policy(self, name):
        return next(p for p in self.policies if p.name == name)

    def category_path(self, name):
        """From the top down."""
        path = []
        while name is not None:
            path.insert(0, name)
            parent = self.categories[name].find(NS + "parentCategory")
            name = parent.get("ref") if parent is not None else None
        return path


class Language:
    def __init__(self, text):
        self.root = ET.fromstring(text)
        self.strings = [(node.get("id"), node.text or "") for node in self.root.iter(NS + "string")]
        self.presentations = [(node.get("id"), node) for node in self.root.iter(NS + "presentation")]

    def string(self, name):
        return dict(self.strings)[name]

    def control(self, presentation, element):
        node = dict(self.presentations)[presentation]
        return next(c for c in node if c.get("refId") == element)


def element_records(element, data):
    """What the editor writes for one element that the administrator filled with `data`: a number, a text, the position
    in a drop-down list, or the [(name, value)] of a list box."""
    if element.kind == "decimal":
        if not int(element.get("minValue", "0")) <= data <= int(element.get("maxValue", "9999")):
            raise ValueError(f"{element.id}: the editor refuses {data}")
        return [(element.key, element.value_name, REG_DWORD, data)]
    if element.kind == "text":
        if len(data) > int(element.get("maxLength", "1023")) or (not data and element.get("required") == "true"):
            raise ValueError(f"{element.id}: the editor refuses {data!r}")
        kind = REG_EXPAND_SZ if element.get("expandable") == "true" else REG_SZ
        return [(element.key, element.value_name, kind, data)]
    if element.kind == "enum":
        kind, value = element.items[data][1]
        return [(element.key, element.value_name, kind, value)]
    if element.kind == "list":
        records = [] if element.get("additive") == "true" else [(element.key, "**delvals.", REG_SZ, " ")]
        if element.get("explicitValue") == "true":
            return records + [(element.key, name, REG_SZ, value) for name, value in data]
        prefix = element.get("valuePrefix")
        return records + [(element.key, value if prefix is None else f"{prefix}{number}", REG_SZ, value)
                          for number, (_, value) in enumerate(data, 1)]
    raise ValueError(f"the editor model has no {element.kind}")


def enabled(policy, data=None):
    """`data`: element id -> what is filled in."""
    records = []
    if policy.value_name:
        kind, value = policy.enabled_value or (REG_DWORD, 1)
        records.append((policy.key, policy.value_name, kind, value))
    for key, name, value in policy.enabled_list:
        records.append((key, name, *value) if value else (key, "**del." + name, REG_SZ, " "))
    for element in policy.elements:
        records += element_records(element, data[element.id])
    return records


def disabled(policy):
    records = []
    listed = {(key, name) for key, name, _ in policy.disabled_list}
    if policy.value_name:
        value = policy.disabled_value
        records.append((policy.key, policy.value_name, *value) if value
                       else (policy.key, "**del." + policy.value_name, REG_SZ, " "))
    # What the elements would have written goes away, before the list writes. In which order the editor of Windows does
    # that is not documented; the templates of Internet Explorer have elements and disabledList on one value.
    for element in policy.elements:
        if element.kind == "list":
            records.append((element.key, "**delvals.", REG_SZ, " "))
        elif (element.key, element.value_name) not in listed:
            records.append((element.key, "**del." + element.value_name, REG_SZ, " "))
    for key, name, value in policy.disabled_list:
        records.append((key, name, *value) if value else (key, "**del." + name, REG_SZ, " "))
    return records


def policy_csp(policy, payload):
    """What the Policy CSP of Windows writes for a payload that Intune sends: <enabled/> with a <data> for each element,
    or <disabled/>. The attributes of a list (explicitValue, valuePrefix) do not count there: it is name, value, ..."""
    root = ET.fromstring(f"<payload>{payload}</payload>")
    if root[0].tag == "disabled":
        return disabled(policy)
    data = {}
    for element, node in zip(policy.elements, root[1:], strict=True):
        if node.get("id") != element.id:
            raise ValueError(f"{policy.name}: data id {node.get('id')}")
        value = node.get("value")
        if element.kind == "decimal":
            data[element.id] = int(value)
        elif element.kind == "enum":
            data[element.id] = [str(v) for _, (_, v) in element.items].index(value)
        elif element.kind == "list":
            parts = value.split("\uf000")
            data[element.id] = list(zip(parts[::2], parts[1::2], strict=True))
        else:
            data[element.id] = value
    return enabled(policy, data)


def registry_pol(records):
    out = struct.pack("<II", 0x67655250, 1)
    for key, name, kind, value in records:
        data = struct.pack("<I", value) if kind == REG_DWORD else (value + "\0").encode("utf-16-le")
        separator = ";".encode("utf-16-le")
        out += "[".encode("utf-16-le") + (key + "\0").encode("utf-16-le") + separator
        out += (name + "\0").encode("utf-16-le") + separator + struct.pack("<I", kind) + separator
        out += struct.pack("<I", len(data)) + separator + data + "]".encode("utf-16-le")
    return out
