# The jobs' network: no addresses of their own, Google's services reached inside, one way out with a known address.
resource "google_compute_network" "this" {
  project                 = var.project_id
  name                    = var.name
  auto_create_subnetworks = false
  routing_mode            = "REGIONAL"
}

resource "google_compute_subnetwork" "this" {
  project                  = var.project_id
  name                     = var.subnet_name
  region                   = var.region
  network                  = google_compute_network.this.id
  ip_cidr_range            = var.cidr
  private_ip_google_access = true

  dynamic "secondary_ip_range" {
    for_each = var.kubernetes_ranges == null ? {} : { pods = var.kubernetes_ranges.pods, services = var.kubernetes_ranges.services }
    content {
      range_name    = secondary_ip_range.key
      ip_cidr_range = secondary_ip_range.value
    }
  }

  log_config {
    aggregation_interval = "INTERVAL_5_MIN"
    flow_sampling        = 0.5
    metadata             = "INCLUDE_ALL_METADATA"
  }
}

# Machines of one cluster talk to each other; nobody else does.
resource "google_compute_firewall" "inside" {
  project       = var.project_id
  name          = "${var.name}-inside"
  network       = google_compute_network.this.id
  direction     = "INGRESS"
  source_ranges = [var.cidr]

  allow {
    protocol = "tcp"
    ports    = ["0-65535"] # Dataproc asks for all
  }
  allow {
    protocol = "udp"
    ports    = ["0-65535"]
  }
  allow {
    protocol = "icmp"
  }

  log_config {
    metadata = "INCLUDE_ALL_METADATA"
  }
}

resource "google_compute_router" "this" {
  project = var.project_id
  name    = var.name
  region  = var.region
  network = google_compute_network.this.id

  bgp {
    asn = var.asn
  }
}

# The brokers of the other cloud let in this address.
resource "google_compute_address" "nat" {
  project = var.project_id
  name    = "${var.name}-nat"
  region  = var.region
}

resource "google_compute_router_nat" "this" {
  project                            = var.project_id
  name                               = var.name
  region                             = var.region
  router                             = google_compute_router.this.name
  nat_ip_allocate_option             = "MANUAL_ONLY"
  nat_ips                            = [google_compute_address.nat.self_link]
  source_subnetwork_ip_ranges_to_nat = "ALL_SUBNETWORKS_ALL_IP_RANGES"

  log_config {
    enable = true
    filter = "ERRORS_ONLY"
  }
}
