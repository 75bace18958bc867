variable "project_id" {
  description = "The project."
  type        = string
}

variable "secrets" {
  description = "Names of secrets with what each holds."
  type        = map(string)

  validation {
    condition     = alltrue([for name, _ in var.secrets : can(regex("^[a-zA-Z0-9_-]{1,255}$", name))])
    error_message = "A secret's name has letters, digits, dashes and underscores; no slash."
  }
}

variable "reader" {
  description = "Who reads them, as serviceAccount:…"
  type        = string

  validation {
    condition     = startswith(var.reader, "serviceAccount:")
    error_message = "One service account reads them, written as serviceAccount:NAME@PROJECT.iam.gserviceaccount.com."
  }
}

variable "labels" {
  description = "Labels."
  type        = map(string)
  default     = {}
}
