package main

import "github.com/hashicorp/terraform-plugin-go/tftypes"

// What a provider's own tags come to is worked out while it plans, by the provider itself: the one thing here that real ones
// do besides knowing a schema. AWS: default_tags and tags in tags_all; Google: default_labels and labels in two.
var tagged = map[string][]string{"tags": {"tags_all"}, "labels": {"effective_labels", "terraform_labels"}}

var text = tftypes.Map{ElementType: tftypes.String}

func entries(of tftypes.Value) (map[string]tftypes.Value, bool) {
	out := map[string]tftypes.Value{}
	if of.IsNull() {
		return out, true
	}
	return out, of.IsFullyKnown() && of.As(&out) == nil
}

// defaults reads them from a provider's configuration; what is not known yet is left out.
func defaults(config tftypes.Value) map[string]tftypes.Value {
	members, blocks, inner := map[string]tftypes.Value{}, []tftypes.Value{}, map[string]tftypes.Value{}
	if config.As(&members) != nil {
		return nil
	}
	of, has := members["default_labels"]
	if block, is := members["default_tags"]; is && block.As(&blocks) == nil && len(blocks) > 0 && blocks[0].As(&inner) == nil {
		of, has = inner["tags"], true
	}
	if !has {
		return nil
	}
	out, _ := entries(of)
	return out
}

// withTags sets what a planned resource's own tags and the provider's come to, in its creation and in each later plan.
func withTags(kind *block, config, planned tftypes.Value, all map[string]tftypes.Value) tftypes.Value {
	members, asked := map[string]tftypes.Value{}, map[string]tftypes.Value{}
	if config.IsNull() || planned.As(&members) != nil || config.As(&asked) != nil {
		return planned
	}
	for own, sums := range tagged {
		if _, has := kind.Attributes[own]; !has {
			continue
		}
		given, known := entries(asked[own])
		sum := map[string]tftypes.Value{}
		for _, each := range []map[string]tftypes.Value{all, given} {
			for name, value := range each {
				sum[name] = value
			}
		}
		for _, name := range sums {
			if _, has := kind.Attributes[name]; !has {
				continue
			}
			members[name] = tftypes.NewValue(text, tftypes.UnknownValue)
			if known {
				members[name] = tftypes.NewValue(text, sum)
			}
		}
	}
	return tftypes.NewValue(planned.Type(), members)
}
