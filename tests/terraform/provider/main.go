// A Terraform provider that knows a schema and nothing of any cloud. Terraform checks a configuration against the schema;
// what a cloud would fill in is made up here, so that a plan can be applied, and planned again, without one.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tfprotov5/tf5server"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

type attribute struct {
	Type tftypes.Type
	Use  string // required, optional, computed
}

func (a *attribute) UnmarshalJSON(text []byte) error {
	var pair [2]json.RawMessage
	if err := json.Unmarshal(text, &pair); err != nil {
		return err
	}
	kind, err := tftypes.ParseJSONType(pair[0]) //nolint:staticcheck // what Terraform's own schemas are written in
	if err != nil {
		return err
	}
	a.Type = kind
	return json.Unmarshal(pair[1], &a.Use)
}

type block struct {
	Attributes map[string]attribute `json:"attributes"`
	Blocks     map[string]*block    `json:"blocks"`
	Nesting    string               `json:"nesting"`
	Min        int64                `json:"min"`
	Max        int64                `json:"max"`

	once sync.Once
	kind tftypes.Type
}

// What schema.json beside the program holds.
type description struct {
	Source    string                    `json:"source"`
	Provider  *block                    `json:"provider"`
	Resources map[string]*block         `json:"resources"`
	Data      map[string]*block         `json:"data"`
	Facts     map[string]map[string]any `json:"facts"` // type → attribute → what a cloud would say; {name} of the resource
}

func (b *block) schema() *tfprotov5.SchemaBlock {
	out := &tfprotov5.SchemaBlock{}
	for name, each := range b.Attributes {
		out.Attributes = append(out.Attributes, &tfprotov5.SchemaAttribute{
			Name:     name,
			Type:     each.Type,
			Required: each.Use == "required",
			Optional: each.Use == "optional",
			// Whether a cloud fills in what is left out is not in the bindings.
			Computed: each.Use != "required",
		})
	}
	for name, each := range b.Blocks {
		nested := &tfprotov5.SchemaNestedBlock{TypeName: name, Block: each.schema(), MinItems: each.Min, MaxItems: each.Max}
		nested.Nesting = tfprotov5.SchemaNestedBlockNestingModeList
		if each.Nesting == "single" {
			nested.Nesting, nested.MinItems, nested.MaxItems = tfprotov5.SchemaNestedBlockNestingModeSingle, 0, 0
		}
		out.BlockTypes = append(out.BlockTypes, nested)
	}
	return out
}

// Asked for with every call, and large.
func (b *block) typeOf() tftypes.Type {
	b.once.Do(func() { b.kind = (&tfprotov5.Schema{Block: b.schema()}).ValueType() })
	return b.kind
}

func load() (*description, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(filepath.Dir(program), "schema.json"))
	if err != nil {
		return nil, err
	}
	out := &description{}
	return out, json.Unmarshal(text, out)
}

func main() {
	about, err := load()
	if err == nil {
		err = tf5server.Serve(about.Source, func() tfprotov5.ProviderServer { return &server{about: about} })
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
