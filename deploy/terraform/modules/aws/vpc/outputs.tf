output "id" {
  description = "Id of the network."
  value       = aws_vpc.this.id
}

output "cidr" {
  description = "Its addresses."
  value       = aws_vpc.this.cidr_block
}

output "zones" {
  description = "The zones it spans."
  value       = local.zones
}

output "public_subnet_ids" {
  description = "Public subnets, in the zones' order."
  value       = [for zone in local.zones : aws_subnet.public[zone].id]
}

output "private_subnet_ids" {
  description = "Private subnets, in the zones' order."
  value       = [for zone in local.zones : aws_subnet.private[zone].id]
}

output "private_route_table_ids" {
  description = "Route tables of the private subnets."
  value       = [for zone in local.zones : aws_route_table.private[zone].id]
}

output "nat_addresses" {
  description = "Public addresses that the private subnets are seen with."
  value       = [for zone in local.nat_zones : aws_eip.nat[zone].public_ip]
}
