// All architectures, in the order in which --list_architectures shows them:
// ARCHITECTURE(Name) is the kName at the end of name.cc. No include guard:
// whoever includes it has said what ARCHITECTURE is.

ARCHITECTURE(Baichuan)
ARCHITECTURE(Falcon)
ARCHITECTURE(Gemma2)
ARCHITECTURE(GptNeox)
ARCHITECTURE(Llama)
ARCHITECTURE(Qwen2)
ARCHITECTURE(Qwen3)
ARCHITECTURE(Starcoder)
ARCHITECTURE(Starcoder2)
