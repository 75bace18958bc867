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

run "lambda_fetches_images_of_functions_alone" {
  command = plan
  variables {
    names          = ["ecommerce/order-service", "ecommerce/pictures"]
    function_names = ["ecommerce/pictures"]
  }

  assert {
    condition     = keys(aws_ecr_repository_policy.functions) == ["ecommerce/pictures"]
    error_message = "one of the two"
  }
  assert {
    condition     = jsondecode(aws_ecr_repository_policy.functions["ecommerce/pictures"].policy).Statement[0].Principal == { Service = "lambda.amazonaws.com" } && !strcontains(aws_ecr_repository_policy.functions["ecommerce/pictures"].policy, "Put")
    error_message = "it reads"
  }
}

run "a_function_without_a_repository" {
  command = plan
  variables {
    function_names = ["ecommerce/pictures"]
  }
  expect_failures = [var.function_names]
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
