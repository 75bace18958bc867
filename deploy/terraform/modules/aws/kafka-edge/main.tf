# AWS' side of a VPN to the other cloud: two connections with two tunnels each, one connection to each interface of Google's
# gateway, so that either cloud may lose one. Routes are learned by BGP.
resource "aws_vpn_gateway" "this" {
  vpc_id          = var.vpc_id
  amazon_side_asn = tostring(var.asn)

  tags = { Name = var.name }
}

resource "aws_vpn_gateway_route_propagation" "this" {
  count = length(var.route_table_ids)

  vpn_gateway_id = aws_vpn_gateway.this.id
  route_table_id = var.route_table_ids[count.index]
}

resource "aws_customer_gateway" "this" {
  for_each = toset(var.peer_addresses)

  type       = "ipsec.1"
  ip_address = each.key
  bgp_asn    = tostring(var.peer_asn)

  tags = { Name = "${var.name}-${each.key}" }
}

resource "aws_vpn_connection" "this" {
  for_each = toset(var.peer_addresses)

  type                = "ipsec.1"
  vpn_gateway_id      = aws_vpn_gateway.this.id
  customer_gateway_id = aws_customer_gateway.this[each.key].id

  tunnel1_ike_versions = ["ikev2"]
  tunnel2_ike_versions = ["ikev2"]

  tags = { Name = "${var.name}-${each.key}" }
}

# What a person hands to the other side: addresses, inside addresses and keys of the tunnels. Encrypted, not an output.
resource "aws_secretsmanager_secret" "tunnels" {
  name                    = "${var.name}/tunnels"
  description             = "Tunnels of the VPN to the other cloud, for its side"
  kms_key_id              = var.kms_key_arn
  recovery_window_in_days = 7
}

resource "aws_secretsmanager_secret_version" "tunnels" {
  secret_id = aws_secretsmanager_secret.tunnels.id

  secret_string = jsonencode([
    for address in var.peer_addresses : [
      {
        address      = aws_vpn_connection.this[address].tunnel1_address
        inside_here  = aws_vpn_connection.this[address].tunnel1_vgw_inside_address
        inside_there = aws_vpn_connection.this[address].tunnel1_cgw_inside_address
        key          = aws_vpn_connection.this[address].tunnel1_preshared_key
      },
      {
        address      = aws_vpn_connection.this[address].tunnel2_address
        inside_here  = aws_vpn_connection.this[address].tunnel2_vgw_inside_address
        inside_there = aws_vpn_connection.this[address].tunnel2_cgw_inside_address
        key          = aws_vpn_connection.this[address].tunnel2_preshared_key
      },
    ]
  ])
}
