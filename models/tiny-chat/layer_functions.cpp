// The loops of the training wrapped for automatic gradients.
#include "models/tiny-chat/layer_functions.hpp"

#include <torch/torch.h>

namespace model_server::tiny_chat {

namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

float* floats(const Tensor& tensor) {
  return tensor.data_ptr<float>();
}

template <class T>
T* numbers(const Tensor& tensor) {
  return static_cast<T*>(tensor.data_ptr());
}

/// Calls `work` with a number of the type of the tensor's.
template <class Work>
void for_type_of(const Tensor& tensor, Work work) {
  if (tensor.scalar_type() == torch::kBFloat16)
    work(short_float{});
  else
    work(float{});
}

struct norm_function : torch::autograd::Function<norm_function> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x, const Tensor& w,
                        double epsilon, bool is_short) {
    auto y =
        torch::empty(x.sizes(), is_short ? torch::kBFloat16 : torch::kFloat);
    auto inverse = torch::empty({x.size(0)});
    for_type_of(y, [&](auto kind) {
      rms_norm(floats(x), floats(w), numbers<decltype(kind)>(y),
               floats(inverse), x.size(0), x.size(1),
               static_cast<float>(epsilon));
    });
    ctx->save_for_backward({x, w, inverse});
    return y;
  }

  static variable_list backward(AutogradContext* ctx, variable_list slopes) {
    auto saved = ctx->get_saved_variables();
    const auto& x = saved[0];
    auto dy = slopes[0].contiguous();
    auto dx = torch::empty_like(x);
    auto dw = torch::empty_like(saved[1]);
    for_type_of(dy, [&](auto kind) {
      rms_norm_backward(numbers<decltype(kind)>(dy), floats(x),
                        floats(saved[1]), floats(saved[2]), floats(dx),
                        floats(dw), x.size(0), x.size(1));
    });
    return {dx, dw, Tensor{}, Tensor{}};
  }
};

struct product_function : torch::autograd::Function<product_function> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x,
                        const Tensor& w) {
    auto cast = w.to(x.scalar_type());
    ctx->save_for_backward({x, cast});
    return torch::mm(x, cast.t());
  }

  static variable_list backward(AutogradContext* ctx, variable_list slopes) {
    auto saved = ctx->get_saved_variables();
    const auto& dy = slopes[0];
    return {torch::mm(dy, saved[1]),
            torch::mm(dy.t(), saved[0]).to(torch::kFloat)};
  }
};

struct swiglu_function : torch::autograd::Function<swiglu_function> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x) {
    auto width = x.size(1) / 2;
    auto y = torch::empty({x.size(0), width}, x.options());
    for_type_of(x, [&](auto kind) {
      using type = decltype(kind);
      swiglu(numbers<type>(x), numbers<type>(y), x.size(0), width);
    });
    ctx->save_for_backward({x});
    return y;
  }

  static variable_list backward(AutogradContext* ctx, variable_list slopes) {
    auto x = ctx->get_saved_variables()[0];
    auto dy = slopes[0].contiguous();
    auto dx = torch::empty_like(x);
    for_type_of(x, [&](auto kind) {
      using type = decltype(kind);
      swiglu_backward(numbers<type>(dy), numbers<type>(x), numbers<type>(dx),
                      x.size(0), x.size(1) / 2);
    });
    return {dx};
  }
};

struct add_function : torch::autograd::Function<add_function> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x,
                        const Tensor& delta, double rate, std::int64_t seed) {
    ctx->saved_data["rate"] = rate;
    ctx->saved_data["seed"] = seed;
    ctx->saved_data["is_short"] = delta.scalar_type() == torch::kBFloat16;
    auto y = torch::empty_like(x);
    for_type_of(delta, [&](auto kind) {
      add_dropped(floats(x), numbers<decltype(kind)>(delta), floats(y),
                  static_cast<float>(rate), static_cast<std::uint64_t>(seed),
                  x.numel());
    });
    return y;
  }

  static variable_list backward(AutogradContext* ctx, variable_list slopes) {
    auto dy = slopes[0].contiguous();
    auto is_short = ctx->saved_data["is_short"].toBool();
    auto ddelta =
        torch::empty(dy.sizes(), is_short ? torch::kBFloat16 : torch::kFloat);
    auto rate = static_cast<float>(ctx->saved_data["rate"].toDouble());
    auto seed = static_cast<std::uint64_t>(ctx->saved_data["seed"].toInt());
    for_type_of(ddelta, [&](auto kind) {
      add_dropped_backward(floats(dy), numbers<decltype(kind)>(ddelta), rate,
                           seed, dy.numel());
    });
    return {dy, ddelta, Tensor{}, Tensor{}};
  }
};

struct attention_function : torch::autograd::Function<attention_function> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x,
                        const Tensor& angles, const attention_sizes& s) {
    auto y = torch::empty({x.size(0), s.joined()}, x.options());
    auto shares = torch::empty({s.kept()});
    for_type_of(x, [&](auto kind) {
      using type = decltype(kind);
      attend(numbers<type>(x), floats(angles), numbers<type>(y), floats(shares),
             s);
    });
    ctx->save_for_backward({x, angles, shares});
    ctx->saved_data["sizes"] =
        std::vector<std::int64_t>{s.rows, s.length, s.kv_heads, s.group};
    return y;
  }

  static variable_list backward(AutogradContext* ctx, variable_list slopes) {
    auto saved = ctx->get_saved_variables();
    auto list = ctx->saved_data["sizes"].toIntVector();
    attention_sizes sizes{list[0], list[1], list[2], list[3]};
    auto dy = slopes[0].contiguous();
    auto dx = torch::empty_like(saved[0]);
    for_type_of(dx, [&](auto kind) {
      using type = decltype(kind);
      attend_backward(numbers<type>(dy), numbers<type>(saved[0]),
                      floats(saved[1]), floats(saved[2]), numbers<type>(dx),
                      sizes);
    });
    return {dx, Tensor{}, Tensor{}};
  }
};

} // namespace

at::Tensor normed(const at::Tensor& x, const at::Tensor& w, double epsilon,
                  bool is_short) {
  return norm_function::apply(x, w, epsilon, is_short);
}

at::Tensor product(const at::Tensor& x, const at::Tensor& w) {
  return product_function::apply(x, w);
}

at::Tensor gated(const at::Tensor& x) {
  return swiglu_function::apply(x);
}

at::Tensor added(const at::Tensor& x, const at::Tensor& delta, double rate,
                 std::uint64_t seed) {
  return add_function::apply(x, delta, rate, static_cast<std::int64_t>(seed));
}

at::Tensor attended(const at::Tensor& x, const at::Tensor& angles,
                    const attention_sizes& sizes) {
  return attention_function::apply(x, angles, sizes);
}

} // namespace model_server::tiny_chat
