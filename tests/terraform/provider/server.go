package main

import (
	"context"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// server answers what `terraform validate`, `plan`, `apply`, `destroy` and `test` ask. All else is refused by name.
type server struct {
	tfprotov5.ProviderServer // of what is not answered here
	about                    *description
	tags                     map[string]tftypes.Value // of the provider's configuration
}

func fail(why error) []*tfprotov5.Diagnostic {
	return []*tfprotov5.Diagnostic{{Severity: tfprotov5.DiagnosticSeverityError, Summary: why.Error()}}
}

func (s *server) GetMetadata(context.Context, *tfprotov5.GetMetadataRequest) (*tfprotov5.GetMetadataResponse, error) {
	out := &tfprotov5.GetMetadataResponse{ServerCapabilities: &tfprotov5.ServerCapabilities{}}
	for name := range s.about.Resources {
		out.Resources = append(out.Resources, tfprotov5.ResourceMetadata{TypeName: name})
	}
	for name := range s.about.Data {
		out.DataSources = append(out.DataSources, tfprotov5.DataSourceMetadata{TypeName: name})
	}
	return out, nil
}

func (s *server) GetProviderSchema(context.Context, *tfprotov5.GetProviderSchemaRequest) (*tfprotov5.GetProviderSchemaResponse, error) {
	out := &tfprotov5.GetProviderSchemaResponse{
		ServerCapabilities: &tfprotov5.ServerCapabilities{},
		Provider:           &tfprotov5.Schema{Block: s.about.Provider.schema()},
		ResourceSchemas:    map[string]*tfprotov5.Schema{},
		DataSourceSchemas:  map[string]*tfprotov5.Schema{},
	}
	for name, each := range s.about.Resources {
		out.ResourceSchemas[name] = &tfprotov5.Schema{Block: each.schema()}
	}
	for name, each := range s.about.Data {
		out.DataSourceSchemas[name] = &tfprotov5.Schema{Block: each.schema()}
	}
	return out, nil
}

func (s *server) GetResourceIdentitySchemas(context.Context, *tfprotov5.GetResourceIdentitySchemasRequest) (*tfprotov5.GetResourceIdentitySchemasResponse, error) {
	return &tfprotov5.GetResourceIdentitySchemasResponse{}, nil
}

func (s *server) PrepareProviderConfig(_ context.Context, ask *tfprotov5.PrepareProviderConfigRequest) (*tfprotov5.PrepareProviderConfigResponse, error) {
	return &tfprotov5.PrepareProviderConfigResponse{PreparedConfig: ask.Config}, nil
}

func (s *server) ConfigureProvider(_ context.Context, ask *tfprotov5.ConfigureProviderRequest) (*tfprotov5.ConfigureProviderResponse, error) {
	config, err := ask.Config.Unmarshal(s.about.Provider.typeOf())
	if err != nil {
		return nil, err
	}
	s.tags = defaults(config)
	return &tfprotov5.ConfigureProviderResponse{}, nil
}

func (s *server) StopProvider(context.Context, *tfprotov5.StopProviderRequest) (*tfprotov5.StopProviderResponse, error) {
	return &tfprotov5.StopProviderResponse{}, nil
}

func (s *server) ValidateResourceTypeConfig(context.Context, *tfprotov5.ValidateResourceTypeConfigRequest) (*tfprotov5.ValidateResourceTypeConfigResponse, error) {
	return &tfprotov5.ValidateResourceTypeConfigResponse{}, nil
}

func (s *server) ValidateDataSourceConfig(context.Context, *tfprotov5.ValidateDataSourceConfigRequest) (*tfprotov5.ValidateDataSourceConfigResponse, error) {
	return &tfprotov5.ValidateDataSourceConfigResponse{}, nil
}

func (s *server) UpgradeResourceState(_ context.Context, ask *tfprotov5.UpgradeResourceStateRequest) (*tfprotov5.UpgradeResourceStateResponse, error) {
	value, err := ask.RawState.Unmarshal(s.about.Resources[ask.TypeName].typeOf())
	if err != nil {
		return &tfprotov5.UpgradeResourceStateResponse{Diagnostics: fail(err)}, nil
	}
	state, err := tfprotov5.NewDynamicValue(value.Type(), value)
	return &tfprotov5.UpgradeResourceStateResponse{UpgradedState: &state}, err
}

func (s *server) ReadResource(_ context.Context, ask *tfprotov5.ReadResourceRequest) (*tfprotov5.ReadResourceResponse, error) {
	return &tfprotov5.ReadResourceResponse{NewState: ask.CurrentState}, nil
}

func (s *server) PlanResourceChange(_ context.Context, ask *tfprotov5.PlanResourceChangeRequest) (*tfprotov5.PlanResourceChangeResponse, error) {
	out := &tfprotov5.PlanResourceChangeResponse{PlannedState: ask.ProposedNewState}
	kind := s.about.Resources[ask.TypeName]
	prior, err := ask.PriorState.Unmarshal(kind.typeOf())
	if err != nil {
		return out, err
	}
	proposed, err := ask.ProposedNewState.Unmarshal(kind.typeOf())
	if err != nil {
		return out, err
	}
	config, err := ask.Config.Unmarshal(kind.typeOf())
	if err != nil {
		return out, err
	}
	value := proposed
	if prior.IsNull() {
		value = unsettled(kind, proposed)
	}
	planned, err := tfprotov5.NewDynamicValue(kind.typeOf(), withTags(kind, config, value, s.tags))
	out.PlannedState = &planned
	return out, err
}

func (s *server) ApplyResourceChange(_ context.Context, ask *tfprotov5.ApplyResourceChangeRequest) (*tfprotov5.ApplyResourceChangeResponse, error) {
	kind := s.about.Resources[ask.TypeName]
	made, err := s.settled(ask.TypeName, kind, ask.PlannedState)
	return &tfprotov5.ApplyResourceChangeResponse{NewState: made}, err
}

func (s *server) ReadDataSource(_ context.Context, ask *tfprotov5.ReadDataSourceRequest) (*tfprotov5.ReadDataSourceResponse, error) {
	kind := s.about.Data[ask.TypeName]
	config, err := ask.Config.Unmarshal(kind.typeOf())
	if err != nil {
		return nil, err
	}
	open, err := tfprotov5.NewDynamicValue(kind.typeOf(), unsettled(kind, config))
	if err != nil {
		return nil, err
	}
	made, err := s.settled(ask.TypeName, kind, &open)
	return &tfprotov5.ReadDataSourceResponse{State: made}, err
}

func (s *server) settled(name string, kind *block, from *tfprotov5.DynamicValue) (*tfprotov5.DynamicValue, error) {
	planned, err := from.Unmarshal(kind.typeOf())
	if err != nil {
		return nil, err
	}
	var value tftypes.Value = newMaker(name, s.about.Facts[name], planned).settled(kind, planned)
	out, err := tfprotov5.NewDynamicValue(kind.typeOf(), value)
	return &out, err
}
