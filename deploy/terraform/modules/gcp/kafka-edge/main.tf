# Google's side of a VPN to AWS: a gateway with two interfaces, and four tunnels once AWS has told what to connect to.
resource "google_compute_ha_vpn_gateway" "this" {
  project = var.project_id
  name    = var.name
  region  = var.region
  network = var.network_id
}

resource "google_compute_external_vpn_gateway" "aws" {
  count = length(var.tunnels) == 0 ? 0 : 1

  project         = var.project_id
  name            = "${var.name}-aws"
  redundancy_type = "FOUR_IPS_REDUNDANCY"

  dynamic "interface" {
    for_each = var.tunnels
    content {
      id         = interface.key
      ip_address = interface.value.address
    }
  }
}

# Tunnels 0 and 1 leave by the first interface, 2 and 3 by the second.
resource "google_compute_vpn_tunnel" "this" {
  count = length(var.tunnels)

  project                         = var.project_id
  name                            = "${var.name}-${count.index}"
  region                          = var.region
  router                          = var.router
  vpn_gateway                     = google_compute_ha_vpn_gateway.this.id
  vpn_gateway_interface           = floor(count.index / 2)
  peer_external_gateway           = google_compute_external_vpn_gateway.aws[0].id
  peer_external_gateway_interface = count.index
  ike_version                     = 2
  shared_secret                   = var.tunnel_keys[count.index]
}

resource "google_compute_router_interface" "this" {
  count = length(var.tunnels)

  project    = var.project_id
  name       = "${var.name}-${count.index}"
  region     = var.region
  router     = var.router
  ip_range   = "${var.tunnels[count.index].inside_there}/30"
  vpn_tunnel = google_compute_vpn_tunnel.this[count.index].name
}

resource "google_compute_router_peer" "this" {
  count = length(var.tunnels)

  project         = var.project_id
  name            = "${var.name}-${count.index}"
  region          = var.region
  router          = var.router
  interface       = google_compute_router_interface.this[count.index].name
  peer_ip_address = var.tunnels[count.index].inside_here
  peer_asn        = var.peer_asn
}
