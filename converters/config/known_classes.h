// File: converters/config/known_classes.h
//
// The configuration classes of the architectures that are here.

#ifndef CONVERTERS_CONFIG_KNOWN_CLASSES_H_
#define CONVERTERS_CONFIG_KNOWN_CLASSES_H_

#include "absl/types/span.h"
#include "converters/config/config_class.h"

namespace converters {

absl::Span<const ConfigClass> KnownClasses();

}  // namespace converters

#endif  // CONVERTERS_CONFIG_KNOWN_CLASSES_H_
