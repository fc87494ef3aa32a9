#pragma once

#include <cstddef>
#include <string>

#include "core/formats/counts.hpp"
#include "core/json.hpp"

namespace spend::formats {

/// What a whole answer without a usage object says of what it bills: seconds of sound or video, characters, pages,
/// images, tokens in places of their own. Counts are found only where the answer is complete: a job that still runs
/// bills nothing yet. `model` is set where it stands in a place of its own.
void read_measures(const Json& answer, Counts& counts, std::string& model);

/// How many images an answer of OpenAI's image API, of Imagen or of a model on Bedrock holds: of the models that are
/// paid by the image it says no more.
std::size_t images_in(const Json& part);

/// A usage object that counts neither tokens nor seconds by a name that tells its shape: DashScope's images,
/// characters and sound.
void read_flat_measures(const Json& usage, Counts& counts);

}  // namespace spend::formats
