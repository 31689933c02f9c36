package procos.engines;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;

/** Starts an Operaton engine with its REST API on loopback. */
@SpringBootApplication
public class Operaton {
  public static void main(String[] arguments) {
    SpringApplication.run(Operaton.class, arguments);
  }
}
