package main

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// unsettled gives what stands at null and may be filled in by a cloud as unknown: the plan of something new.
func unsettled(b *block, at tftypes.Value) tftypes.Value {
	if at.IsNull() || !at.IsKnown() {
		return at
	}
	members := map[string]tftypes.Value{}
	if err := at.As(&members); err != nil {
		return at
	}
	for name, each := range b.Attributes {
		if each.Use != "required" && members[name].IsNull() {
			members[name] = tftypes.NewValue(each.Type, tftypes.UnknownValue)
		}
	}
	for name, each := range b.Blocks {
		members[name] = inBlocks(each, members[name], unsettled)
	}
	return tftypes.NewValue(at.Type(), members)
}

func inBlocks(b *block, at tftypes.Value, change func(*block, tftypes.Value) tftypes.Value) tftypes.Value {
	if at.IsNull() || !at.IsKnown() {
		return at
	}
	if b.Nesting == "single" {
		return at // timeouts: nobody fills them in
	}
	elements := []tftypes.Value{}
	if err := at.As(&elements); err != nil {
		return at
	}
	for i, each := range elements {
		elements[i] = change(b, each)
	}
	return tftypes.NewValue(at.Type(), elements)
}

// maker answers for the cloud: `facts` where there are any, else something of the right type.
type maker struct {
	kind  string
	facts map[string]any
	name  string
}

func newMaker(kind string, facts map[string]any, config tftypes.Value) maker {
	out := maker{kind: kind, facts: facts, name: "none"}
	members := map[string]tftypes.Value{}
	if err := config.As(&members); err != nil {
		return out
	}
	for _, each := range []string{"name", "bucket", "repository", "function_name", "cluster_name", "identifier", "account_id", "dataset_id"} {
		var text string
		if value, has := members[each]; has && value.IsKnown() && !value.IsNull() && value.As(&text) == nil {
			out.name = text
			break
		}
	}
	return out
}

func (m maker) settled(b *block, at tftypes.Value) tftypes.Value { return m.settle(b, at, "") }

func (m maker) settle(b *block, at tftypes.Value, path string) tftypes.Value {
	if at.IsNull() || !at.IsKnown() {
		return at
	}
	members := map[string]tftypes.Value{}
	if err := at.As(&members); err != nil {
		return at
	}
	for name, each := range b.Attributes {
		if !members[name].IsFullyKnown() {
			members[name] = m.known(each.Type, members[name], path+name)
		}
	}
	for name, each := range b.Blocks {
		members[name] = inBlocks(each, members[name], func(inner *block, one tftypes.Value) tftypes.Value {
			return m.settle(inner, one, path+name+".")
		})
	}
	return tftypes.NewValue(at.Type(), members)
}

// known replaces only what is unknown in a value.
func (m maker) known(kind tftypes.Type, at tftypes.Value, path string) tftypes.Value {
	if !at.IsKnown() {
		return m.made(kind, path)
	}
	if at.IsNull() {
		return at
	}
	if elements := []tftypes.Value{}; at.As(&elements) == nil {
		for i, each := range elements {
			elements[i] = m.known(each.Type(), each, path)
		}
		return tftypes.NewValue(at.Type(), elements)
	}
	members := map[string]tftypes.Value{}
	if at.As(&members) != nil {
		return at
	}
	for name, each := range members {
		members[name] = m.known(each.Type(), each, path+"."+name)
	}
	return tftypes.NewValue(at.Type(), members)
}

func (m maker) made(kind tftypes.Type, path string) tftypes.Value {
	if fact, has := m.facts[path]; has {
		return m.fact(kind, fact)
	}
	switch {
	case kind.Is(tftypes.String):
		return tftypes.NewValue(kind, m.text(path))
	case kind.Is(tftypes.Number):
		return tftypes.NewValue(kind, 1)
	case kind.Is(tftypes.Bool):
		return tftypes.NewValue(kind, false)
	case kind.Is(tftypes.Map{}):
		return tftypes.NewValue(kind, map[string]tftypes.Value{})
	case kind.Is(tftypes.Object{}):
		members := map[string]tftypes.Value{}
		for name, each := range kind.(tftypes.Object).AttributeTypes {
			members[name] = m.made(each, path+"."+name)
		}
		return tftypes.NewValue(kind, members)
	case kind.Is(tftypes.List{}):
		element := kind.(tftypes.List).ElementType
		if !element.Is(tftypes.Object{}) {
			return tftypes.NewValue(kind, []tftypes.Value{})
		}
		return tftypes.NewValue(kind, []tftypes.Value{m.made(element, path)})
	}
	return tftypes.NewValue(kind, nil)
}

func (m maker) fact(kind tftypes.Type, fact any) tftypes.Value {
	switch is := fact.(type) {
	case string:
		return tftypes.NewValue(kind, strings.ReplaceAll(is, "{name}", m.name))
	case []any:
		elements := []tftypes.Value{}
		for _, each := range is {
			elements = append(elements, m.fact(kind.(tftypes.List).ElementType, each))
		}
		return tftypes.NewValue(kind, elements)
	}
	return tftypes.NewValue(kind, fact)
}

func (m maker) text(path string) string {
	last := path[strings.LastIndex(path, ".")+1:]
	switch {
	case last == "arn" || strings.HasSuffix(last, "_arn"):
		return fmt.Sprintf("arn:aws:schema-check:us-east-1:111122223333:%s/%s", m.kind, m.name)
	case last == "id":
		return m.kind + "-" + random()
	case strings.HasSuffix(last, "email"):
		return m.name + "@schema-check.iam.gserviceaccount.com"
	case last == "data" || strings.HasSuffix(last, "certificate"):
		return "c2NoZW1hLWNoZWNr" // base64 is expected there
	case strings.Contains(last, "url") || strings.Contains(last, "uri") || strings.Contains(last, "endpoint") || last == "issuer":
		return "https://" + m.name + ".schema-check.invalid"
	}
	return m.kind + "." + path
}

func random() string {
	bytes := make([]byte, 4)
	if _, err := rand.Read(bytes); err != nil {
		panic(err)
	}
	return hex.EncodeToString(bytes)
}
