mock_provider "aws" {}

variables {
  names = ["ecommerce/order-service"]
}

run "a_tag_names_one_image" {
  command = plan

  assert {
    condition     = aws_ecr_repository.this["ecommerce/order-service"].image_tag_mutability == "IMMUTABLE" && aws_ecr_repository.this["ecommerce/order-service"].image_scanning_configuration[0].scan_on_push
    error_message = "a tag does not move, and a push is scanned"
  }
}

run "a_name_in_capitals" {
  command = plan
  variables {
    names = ["Order"]
  }
  expect_failures = [var.names]
}

run "nothing_to_go_back_to" {
  command = plan
  variables {
    kept_images = 1
  }
  expect_failures = [var.kept_images]
}

run "example" {
  command = plan
  module {
    source = "./examples/basic"
  }
}
